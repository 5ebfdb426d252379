//! What the command line asks for, over the control socket.

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use outdial_link::{AgentAction, Answer, Ask, CampaignAction};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::http::error::ApiError;
use crate::http::{App, import, leads, status};
use crate::store::{StoreError, agents, campaigns, dnc, pins, retry, routes, statistics, trunks};
use crate::{limits, pin};

type Answered = Result<Json<Value>, ApiError>;

/// Everything.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/status", get(get_status))
        .route("/v1/checks", get(get_checks))
        .route("/v1/campaigns", get(list_campaigns).post(create_campaign))
        .route(
            "/v1/campaigns/{name}",
            get(show_campaign).patch(change_campaign),
        )
        .route("/v1/campaigns/{name}/statistics", get(campaign_statistics))
        .route("/v1/campaigns/{name}/{action}", post(act_on_campaign))
        .route("/v1/trunks", get(list_trunks).post(create_trunk))
        .route(
            "/v1/trunks/{name}",
            get(show_trunk).patch(change_trunk).delete(remove_trunk),
        )
        .route("/v1/trunks/{name}/test", post(test_trunk))
        .route("/v1/routes", get(list_routes).post(create_route))
        .route("/v1/routes/{id}", delete(remove_route))
        .route("/v1/agents", get(list_agents).post(add_agents))
        .route(
            "/v1/agents/{name}",
            patch(change_agent).delete(remove_agent),
        )
        .route("/v1/agents/{name}/unlock", post(unlock_agent))
        .route("/v1/agents/{name}/{action}", post(act_on_agent))
        .route("/v1/dnc", get(list_dnc).post(add_dnc).delete(remove_dnc))
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES))
        .merge(leads::router())
        .merge(import::router())
        .with_state(app)
}

async fn get_status(State(app): State<App>) -> Json<Value> {
    Json(status::status(&app))
}

async fn get_checks(State(app): State<App>) -> Json<Value> {
    Json(json!(crate::doctor::checks(&app).await))
}

async fn list_campaigns(State(app): State<App>) -> Answered {
    Ok(Json(app.console.pool.call(campaigns::list).await?.into()))
}

async fn show_campaign(State(app): State<App>, Path(name): Path<String>) -> Answered {
    Ok(Json(
        app.console
            .pool
            .call(move |client| campaigns::show(client, &name))
            .await?,
    ))
}

async fn campaign_statistics(State(app): State<App>, Path(name): Path<String>) -> Answered {
    Ok(Json(
        app.console
            .pool
            .call(move |client| statistics::load(client, &name))
            .await?,
    ))
}

async fn create_campaign(
    State(app): State<App>,
    Json(fields): Json<Map<String, Value>>,
) -> Answered {
    check_zone(&fields)?;
    check_retry(&fields)?;
    let id = app
        .console
        .pool
        .call(move |client| campaigns::TABLE.insert(client, &fields))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({ "id": id })))
}

async fn change_campaign(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> Answered {
    check_zone(&fields)?;
    check_retry(&fields)?;
    let changed =
        move |client: &mut postgres::Client| campaigns::TABLE.update(client, &name, &fields);
    app.console.pool.call(changed).await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

/// PostgreSQL would say no more than that they are wrong.
fn check_retry(fields: &Map<String, Value>) -> Result<(), ApiError> {
    fields
        .get("retry")
        .map_or(Ok(()), retry::check)
        .map_err(ApiError::refused)
}

/// PostgreSQL and this host must both know the zone.
fn check_zone(fields: &Map<String, Value>) -> Result<(), ApiError> {
    match fields.get("time_zone").and_then(Value::as_str) {
        Some(zone) if !crate::windows::is_zone(zone) => Err(ApiError::refused(format!(
            "there is no time zone {zone:?}; use a name such as America/Sao_Paulo (timedatectl list-timezones)"
        ))),
        Some(_) | None => Ok(()),
    }
}

async fn act_on_campaign(
    State(app): State<App>,
    Path((name, action)): Path<(String, String)>,
) -> Answered {
    let action = match action.as_str() {
        "start" => CampaignAction::Start,
        "pause" => CampaignAction::Pause,
        "stop" => CampaignAction::Stop,
        other => {
            return Err(ApiError::refused(format!(
                "a campaign can start, pause and stop, not {other:?}"
            )));
        }
    };
    let done = app.console.campaign(&name, action).await?;
    Ok(Json(json!({ "message": done })))
}

async fn list_trunks(State(app): State<App>) -> Answered {
    Ok(Json(app.console.pool.call(trunks::list).await?.into()))
}

async fn show_trunk(State(app): State<App>, Path(name): Path<String>) -> Answered {
    Ok(Json(
        app.console
            .pool
            .call(move |client| trunks::show(client, &name))
            .await?,
    ))
}

async fn create_trunk(State(app): State<App>, Json(fields): Json<Map<String, Value>>) -> Answered {
    let id = app
        .console
        .pool
        .call(move |client| trunks::TABLE.insert(client, &fields))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({ "id": id })))
}

async fn change_trunk(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> Answered {
    app.console
        .pool
        .call(move |client| trunks::TABLE.update(client, &name, &fields))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

async fn remove_trunk(State(app): State<App>, Path(name): Path<String>) -> Answered {
    app.console
        .pool
        .call(move |client| trunks::TABLE.remove(client, &name))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

async fn list_routes(State(app): State<App>) -> Answered {
    Ok(Json(app.console.pool.call(routes::list).await?.into()))
}

async fn create_route(
    State(app): State<App>,
    Json(mut fields): Json<Map<String, Value>>,
) -> Answered {
    let id = app
        .console
        .pool
        .call(move |client| {
            let trunk = text(&fields, "trunk")
                .ok_or_else(|| StoreError::Refused("a route needs a trunk".into()))?;
            fields.insert("trunk_id".into(), trunks::TABLE.id(client, &trunk)?.into());
            if let Some(campaign) = text(&fields, "campaign") {
                fields.insert(
                    "campaign_id".into(),
                    campaigns::TABLE.id(client, &campaign)?.into(),
                );
            }
            fields.remove("trunk");
            fields.remove("campaign");
            let prefix = text(&fields, "prefix").unwrap_or_default();
            match routes::TABLE.insert(client, &fields) {
                Err(StoreError::Refused(why)) if why.contains("exists already") => {
                    Err(StoreError::Refused(format!(
                        "there is a route for prefix {prefix:?} to trunk {trunk:?} already"
                    )))
                }
                other => other,
            }
        })
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({ "id": id })))
}

async fn remove_route(State(app): State<App>, Path(id): Path<i64>) -> Answered {
    app.console
        .pool
        .call(move |client| routes::remove(client, id))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

async fn list_agents(State(app): State<App>) -> Answered {
    Ok(Json(app.console.pool.call(agents::list).await?.into()))
}

#[derive(Deserialize)]
struct AddAgents {
    names: Vec<String>,
    #[serde(default)]
    campaigns: Vec<String>,
    rank: Option<i16>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

async fn add_agents(State(app): State<App>, Json(body): Json<AddAgents>) -> Answered {
    let mut fields = agents::fields(body.fields)?;
    pin::seal(&mut fields, &body.names).await?;
    app.console
        .pool
        .call(move |client| agents::add(client, &body.names, &body.campaigns, body.rank, &fields))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

async fn change_agent(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Answered {
    let mut fields = agents::fields(body)?;
    pin::seal(&mut fields, std::slice::from_ref(&name)).await?;
    app.console
        .pool
        .call(move |client| agents::change(client, &name, &fields))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

async fn remove_agent(State(app): State<App>, Path(name): Path<String>) -> Answered {
    app.console
        .pool
        .call(move |client| agents::TABLE.remove(client, &name))
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({})))
}

/// He may say his PIN again.
async fn unlock_agent(State(app): State<App>, Path(name): Path<String>) -> Answered {
    let unlock = move |client: &mut postgres::Client| {
        agents::TABLE.id(client, &name)?;
        pins::unlock(client, &name)
    };
    let was_locked = app.console.pool.call(unlock).await?;
    Ok(Json(json!({ "was_locked": was_locked })))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentFields {
    code: Option<String>,
    by_ms: Option<u32>,
    finish: Option<bool>,
}

/// What an agent does, or a supervisor for them.
async fn act_on_agent(
    State(app): State<App>,
    Path((name, action)): Path<(String, String)>,
    body: Option<Json<AgentFields>>,
) -> Answered {
    let fields = body.map(|Json(fields)| fields).unwrap_or_default();
    let action = match action.as_str() {
        "log-in" => AgentAction::LogIn,
        "ready" => AgentAction::Ready,
        "extend" => AgentAction::ExtendWrapUp(fields.by_ms.unwrap_or(limits::WRAP_UP_EXTENSION_MS)),
        "pause" => AgentAction::Pause(pause_code(fields.code)?),
        "unpause" => AgentAction::Unpause,
        "dial" => AgentAction::Dial,
        "skip" => AgentAction::Skip,
        "log-off" => AgentAction::LogOff {
            finish: fields.finish.unwrap_or(true),
        },
        _ => {
            return Err(ApiError::refused(format!(
                "{action:?} is nothing that an agent does; known: log-in, ready, extend, pause, \
                 unpause, dial, skip, log-off"
            )));
        }
    };
    let agent = app
        .console
        .pool
        .call(move |client| agents::TABLE.id(client, &name))
        .await?;
    let mut answer = app
        .link
        .ask(Ask::Agent { agent, action })
        .map_err(ApiError::refused)?;
    match tokio::time::timeout(limits::CHECK_TIMEOUT, answer.recv()).await {
        Ok(Some((_, Ok(_)))) => Ok(Json(json!({}))),
        Ok(Some((_, Err(why)))) => Err(ApiError::refused(why)),
        Ok(None) | Err(_) => Err(ApiError::refused("the PBX does not answer")),
    }
}

/// Pause codes are shown on consoles and walls: the characters of every other name.
fn pause_code(code: Option<String>) -> Result<String, ApiError> {
    let code = code.unwrap_or_else(|| "pause".into());
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    if (1..=40).contains(&code.len()) && code.chars().all(plain) {
        return Ok(code);
    }
    Err(ApiError::refused(format!(
        "code {code:?}: write it with 1 to 40 of A-Z a-z 0-9 _ - . / and space"
    )))
}

#[derive(Deserialize)]
struct Dnc {
    numbers: Vec<String>,
    campaign: Option<String>,
    country: Option<String>,
    reason: Option<String>,
}

impl Dnc {
    fn digits(&self) -> Result<Vec<String>, ApiError> {
        if self.numbers.is_empty() || self.numbers.len() > limits::DNC_PER_REQUEST {
            return Err(ApiError::refused(format!(
                "1 to {} numbers at once",
                limits::DNC_PER_REQUEST
            )));
        }
        let read = crate::import::numbers::Numbers::new(self.country.as_deref())
            .map_err(|e| ApiError::refused(e.to_string()))?;
        self.numbers
            .iter()
            .map(|number| {
                read.loose(number)
                    .map_err(|error| ApiError::refused(format!("{number:?}: {error}")))
            })
            .collect()
    }
}

async fn list_dnc(State(app): State<App>) -> Answered {
    Ok(Json(app.console.pool.call(dnc::list).await?.into()))
}

async fn add_dnc(State(app): State<App>, Json(body): Json<Dnc>) -> Answered {
    let numbers = body.digits()?;
    let added = app
        .console
        .pool
        .call(move |client| {
            let campaign = campaigns::id(client, body.campaign.as_deref())?;
            dnc::add(client, &numbers, campaign, body.reason.as_deref())
        })
        .await?;
    app.console.refresh().await?;
    Ok(Json(json!({ "added": added })))
}

async fn remove_dnc(State(app): State<App>, Json(body): Json<Dnc>) -> Answered {
    let numbers = body.digits()?;
    let removed = app
        .console
        .pool
        .call(move |client| {
            let campaign = campaigns::id(client, body.campaign.as_deref())?;
            dnc::remove(client, &numbers, campaign)
        })
        .await?;
    Ok(Json(json!({ "removed": removed })))
}

fn text(fields: &Map<String, Value>, key: &str) -> Option<String> {
    fields.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[derive(Deserialize)]
struct TestCall {
    number: String,
    caller_id: Option<String>,
    country: Option<String>,
}

/// One call; each step is a line of JSON.
async fn test_trunk(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(call): Query<TestCall>,
    _: Bytes,
) -> Result<Response, ApiError> {
    let read = crate::import::numbers::Numbers::new(call.country.as_deref())
        .map_err(|e| ApiError::refused(e.to_string()))?;
    let digits = |text: &str| {
        read.loose(text)
            .map_err(|error| ApiError::refused(format!("{text:?}: {error}")))
    };
    let number = digits(&call.number)?;
    let given = call.caller_id.as_deref().map(digits).transpose()?;
    let to = number.clone();
    let (trunk, caller_id) = app
        .console
        .pool
        .call(move |client| {
            if dnc::is_global(client, &to)? {
                return Err(StoreError::Refused(
                    "the number is on the do-not-call list; it is not called, not even for a test"
                        .into(),
                ));
            }
            let trunk = trunks::TABLE.id(client, &name)?;
            let caller_id =
                given.map_or_else(|| trunks::any_caller_id(client), |given| Ok(Some(given)))?;
            let caller_id = caller_id.ok_or_else(|| {
                StoreError::Refused(
                    "no caller id: name one with --caller-id, no campaign has any".into(),
                )
            })?;
            Ok((trunk, caller_id))
        })
        .await?;
    app.console.refresh().await?;
    let steps = app
        .link
        .ask(Ask::TestCall {
            trunk,
            number,
            caller_id,
        })
        .map_err(ApiError::refused)?;
    let lines = ReceiverStream::new(steps)
        .timeout(limits::TEST_CALL_TIMEOUT)
        .map(|step| {
            let line = match step {
                Ok((last, result)) => step_line(last, &result),
                Err(_) => json!({ "last": true, "error": "the PBX says nothing more; the test is given up" }),
            };
            Ok::<_, std::io::Error>(Bytes::from(format!("{line}\n")))
        });
    Ok((
        [("content-type", "application/x-ndjson")],
        Body::from_stream(lines),
    )
        .into_response())
}

fn step_line(last: bool, result: &Result<Answer, String>) -> Value {
    match result {
        Ok(Answer::Step(step)) => json!({ "last": last, "step": step }),
        Ok(Answer::Ended { sip, q850 }) => {
            json!({ "last": last, "step": "ended", "sip": sip, "q850": q850 })
        }
        Ok(Answer::Done | Answer::Ready | Answer::Placed(_)) => {
            json!({ "last": last, "step": "done" })
        }
        Err(error) => json!({ "last": last, "error": error }),
    }
}
