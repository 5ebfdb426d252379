//! Callbacks, lists and dispositions, over the control socket.

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use outdial_link::Down;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::http::App;
use crate::http::error::ApiError;
use crate::limits;
use crate::serve::dispose::{Of, Said, Taken};
use crate::store::callbacks::{self, Callback};
use crate::store::dispositions::{self, Kind};
use crate::store::lists;

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DispositionFields {
    code: String,
    attempt: Option<u64>,
    callback_at: Option<String>,
    #[serde(default)]
    callback_personal: bool,
    note: Option<String>,
}

async fn dispose(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(fields): Json<DispositionFields>,
) -> Answered {
    let of = Of::Agent {
        name,
        attempt: fields.attempt,
    };
    let said = Said {
        code: fields.code,
        callback_at: fields.callback_at,
        callback_personal: fields.callback_personal,
        note: fields.note,
    };
    let taken = app.console.dispose(of, said).await?;
    Ok(Json(json!({ "late": taken == Taken::Late })))
}
