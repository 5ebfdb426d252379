//! `/health`, `/health/live` and `/status`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::http::{App, status};
use crate::serve::health::{Health, health};

/// Read-only.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/health", get(get_health))
        .route("/health/live", get(get_live))
        .route("/status", get(get_status))
        .with_state(app)
}

/// Health as of now.
pub fn health_of(app: &App) -> Health {
    let uptime = app.started.elapsed().as_secs();
    let running = !app.connector.stopping();
    health(
        &app.link.view(),
        &app.database,
        &app.settings.node,
        uptime,
        running,
    )
}

async fn get_health(State(app): State<App>) -> (StatusCode, Json<Health>) {
    let health = health_of(&app);
    let status = if health.causes.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health))
}

async fn get_live() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn get_status(State(app): State<App>) -> Json<Value> {
    Json(status::status(&app))
}
