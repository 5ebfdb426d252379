//! Uploads of leads.

use axum::Router;

use crate::http::App;

/// `POST /v1/leads/import`.
pub fn router() -> Router<App> {
    Router::new()
}
