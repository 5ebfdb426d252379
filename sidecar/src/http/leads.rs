//! Callbacks, lists and dispositions, over the control socket.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use outdial_link::{After, AgentAction, Ask, Disposition, Down};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::http::App;
use crate::http::error::ApiError;
use crate::limits;
use crate::store::callbacks::{self, Callback};
use crate::store::dispositions::{self, Kind};
use crate::store::{StoreError, agents, lists};

type Answered = Result<Json<Value>, ApiError>;

/// Its routes.
pub fn router() -> Router<App> {
    Router::new()
        .route("/v1/callbacks", get(list_callbacks))
        .route(
            "/v1/leads/{lead}/callback",
            post(set_callback).delete(cancel_callback),
        )
        .route("/v1/lists", get(list_lists))
        .route("/v1/lists/{campaign}/{name}", patch(change_list))
        .route("/v1/dispositions", get(list_dispositions))
        .route(
            "/v1/dispositions/{code}",
            axum::routing::put(put_disposition).delete(remove_disposition),
        )
        .route("/v1/agents/{name}/disposition", post(dispose))
        .layer(DefaultBodyLimit::max(limits::REQUEST_BYTES))
}

#[derive(Deserialize)]
struct InCampaign {
    campaign: Option<String>,
}

async fn list_callbacks(State(app): State<App>, Query(of): Query<InCampaign>) -> Answered {
    let list = move |client: &mut postgres::Client| callbacks::list(client, of.campaign.as_deref());
    Ok(Json(app.console.pool.call(list).await?.into()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackFields {
    at: String,
    agent: Option<String>,
    note: Option<String>,
}

async fn set_callback(
    State(app): State<App>,
    Path(lead): Path<String>,
    Query(of): Query<InCampaign>,
    Json(fields): Json<CallbackFields>,
) -> Answered {
    let wanted = Callback {
        at: fields.at,
        agent: fields.agent,
        note: fields.note,
    };
    let set = move |client: &mut postgres::Client| {
        let lead = callbacks::find(client, &lead, of.campaign.as_deref())?;
        callbacks::set(client, lead, &wanted, clock::now_ms()).map(|set| (lead, set))
    };
    let (lead, set) = app.console.pool.call(set).await?;
    take_out_of_hand(&app, set.lease.as_ref());
    let mut told = callbacks::told(&set);
    if let Value::Object(fields) = &mut told {
        fields.insert("lead".into(), json!(lead));
    }
    Ok(Json(told))
}

/// The engine must not call now whom it is to call later. Its lease is not renewed any more, so the
/// lead is free when it expires; what was dialed a moment ago has a result, which keeps the callback.
fn take_out_of_hand(app: &App, lease: Option<&(String, u32, u64)>) {
    let Some((node, epoch, lease)) = lease else {
        return;
    };
    let ours =
        *node == app.settings.node && app.link.connected().is_some_and(|c| c.epoch == *epoch);
    if ours {
        app.link.let_go([*lease].iter());
        app.link.send(Down::Revoke {
            leases: vec![*lease],
        });
    }
}

async fn cancel_callback(
    State(app): State<App>,
    Path(lead): Path<String>,
    Query(of): Query<InCampaign>,
) -> Answered {
    let cancel = move |client: &mut postgres::Client| {
        let lead = callbacks::find(client, &lead, of.campaign.as_deref())?;
        callbacks::cancel(client, lead).map(|status| json!({ "lead": lead, "status": status }))
    };
    Ok(Json(app.console.pool.call(cancel).await?))
}

async fn list_lists(State(app): State<App>, Query(of): Query<InCampaign>) -> Answered {
    let list = move |client: &mut postgres::Client| lists::list(client, of.campaign.as_deref());
    Ok(Json(app.console.pool.call(list).await?.into()))
}

async fn change_list(
    State(app): State<App>,
    Path((campaign, name)): Path<(String, String)>,
    Json(fields): Json<Map<String, Value>>,
) -> Answered {
    let change =
        move |client: &mut postgres::Client| lists::change(client, &campaign, &name, &fields);
    app.console.pool.call(change).await?;
    Ok(Json(json!({})))
}

async fn list_dispositions(State(app): State<App>) -> Answered {
    Ok(Json(
        app.console.pool.call(dispositions::list).await?.into(),
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindFields {
    name: String,
    #[serde(default, rename = "final")]
    is_final: bool,
    #[serde(default)]
    callback: bool,
    retry_as: Option<String>,
    #[serde(default)]
    do_not_call: bool,
}

async fn put_disposition(
    State(app): State<App>,
    Path(code): Path<String>,
    Json(fields): Json<KindFields>,
) -> Answered {
    let kind = Kind {
        code,
        is_final: fields.is_final,
        callback: fields.callback,
        retry_as: fields.retry_as,
        do_not_call: fields.do_not_call,
    };
    let put = move |client: &mut postgres::Client| dispositions::put(client, &kind, &fields.name);
    app.console.pool.call(put).await?;
    Ok(Json(json!({})))
}

async fn remove_disposition(State(app): State<App>, Path(code): Path<String>) -> Answered {
    let remove = move |client: &mut postgres::Client| dispositions::remove(client, &code);
    app.console.pool.call(remove).await?;
    Ok(Json(json!({})))
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct DispositionFields {
    code: String,
    attempt: Option<u64>,
    callback_at: Option<String>,
    #[serde(default)]
    callback_personal: bool,
    note: Option<String>,
}

/// What came of a call. While the agent has it in hand or wraps it up, the engine decides what
/// becomes of the lead, and ends the wrap-up; later the store follows the table.
async fn dispose(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(fields): Json<DispositionFields>,
) -> Answered {
    check_fields(&fields)?;
    let code = fields.code.clone();
    let find = move |client: &mut postgres::Client| {
        let agent = agents::TABLE.id(client, &name)?;
        dispositions::named(client, &code).map(|kind| (agent, kind))
    };
    let (agent, kind) = app.console.pool.call(find).await?;
    check_callback(&kind, &fields)?;
    let (state, call) = app.link.call_of(agent);
    let busy = state.is_some_and(|state| matches!(state.as_str(), "on_call" | "wrap_up"));
    let call = call.filter(|(attempt, _)| fields.attempt.is_none_or(|meant| meant == *attempt));
    if busy && in_hand(&app, agent, call, &kind, &fields).await? {
        return Ok(Json(json!({ "late": false })));
    }
    let late = move |client: &mut postgres::Client| {
        let call = dispositions::last_call(client, agent, fields.attempt)?;
        let place = callbacks::place(client, call.lead)?;
        let after = after(client, agent, call.lead, (&kind, &fields))?;
        dispositions::apply(
            client,
            call,
            &place,
            (&kind, &after, fields.note.as_deref()),
        )
    };
    app.console.pool.call(late).await?;
    Ok(Json(json!({ "late": true })))
}

/// Tells the engine; `false`: the call that is meant is over.
async fn in_hand(
    app: &App,
    agent: u64,
    call: Option<(u64, u64)>,
    kind: &Kind,
    fields: &DispositionFields,
) -> Result<bool, ApiError> {
    if fields.attempt.is_some() && call.is_none() {
        return Ok(false);
    }
    let after = match (call, kind.callback) {
        (None, true) => {
            return Err(ApiError::refused(
                "the call has only just begun; say it again in a second",
            ));
        }
        (None, false) => plain(kind),
        (Some((_, lead)), _) => {
            let (kind, fields) = (kind.clone(), fields.clone());
            let read =
                move |client: &mut postgres::Client| after(client, agent, lead, (&kind, &fields));
            app.console.pool.call(read).await?
        }
    };
    let said = Disposition {
        attempt: call.map(|(attempt, _)| attempt),
        code: kind.code.clone(),
        after,
        do_not_call: kind.do_not_call,
        note: fields.note.clone(),
    };
    let action = AgentAction::Dispose(Box::new(said));
    let mut answer = app
        .link
        .ask(Ask::Agent { agent, action })
        .map_err(ApiError::refused)?;
    match tokio::time::timeout(limits::CHECK_TIMEOUT, answer.recv()).await {
        Ok(Some((_, result))) => Ok(result.is_ok()),
        Ok(None) | Err(_) => Err(ApiError::refused("the PBX does not answer")),
    }
}

/// What becomes of the lead.
fn after(
    client: &mut postgres::Client,
    agent: u64,
    lead: u64,
    (kind, fields): (&Kind, &DispositionFields),
) -> Result<After, StoreError> {
    let Some(at) = fields.callback_at.as_deref().filter(|_| kind.callback) else {
        return Ok(plain(kind));
    };
    let (at_ms, _) = callbacks::place(client, lead)?.instant(at, clock::now_ms())?;
    Ok(After::Callback {
        at_ms,
        agent: fields.callback_personal.then_some(agent),
    })
}

/// What becomes of the lead, if it is not called back.
fn plain(kind: &Kind) -> After {
    kind.retry_as.clone().map_or(After::Final, After::RetryAs)
}

fn check_fields(fields: &DispositionFields) -> Result<(), ApiError> {
    let length = fields.note.as_ref().map_or(0, |note| note.chars().count());
    if length > limits::NOTE_CHARS {
        return Err(ApiError::refused(format!(
            "note has {length} characters; allowed: up to {}",
            limits::NOTE_CHARS
        )));
    }
    Ok(())
}

fn check_callback(kind: &Kind, fields: &DispositionFields) -> Result<(), ApiError> {
    let code = &kind.code;
    match (kind.callback, &fields.callback_at) {
        (true, None) => Err(ApiError::refused(format!(
            "callback_at is missing; {code} needs one, as 2026-12-01T15:00, the lead's own time"
        ))),
        (false, Some(_)) => Err(ApiError::refused(format!(
            "callback_at is given, but {code} is no callback; leave it out, or take a code that is one"
        ))),
        (true, Some(_)) | (false, None) => Ok(()),
    }
}
