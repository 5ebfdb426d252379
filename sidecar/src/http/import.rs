//! Uploads of leads.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use outdial_link::Down;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::clock;
use crate::http::App;
use crate::http::error::ApiError;
use crate::import::run::{Piece, run};
use crate::import::{Options, Report};
use crate::limits;
use crate::store::campaigns;

/// `POST /v1/leads/import`: the body is the file, the answer a report in lines of JSON.
pub fn router() -> Router<App> {
    // Read in pieces and never held as a whole, so its size has no bound.
    Router::new()
        .route("/v1/leads/import", post(upload))
        .layer(DefaultBodyLimit::disable())
}

async fn upload(
    State(app): State<App>,
    Query(options): Query<Options>,
    body: Body,
) -> Result<Response, ApiError> {
    let (slot, campaign) = match admit(&app, &options).await {
        Ok(admitted) => admitted,
        Err(error) => {
            tokio::spawn(drain(body));
            return Err(error);
        }
    };
    let (pieces, input) = mpsc::channel(limits::IMPORT_PIECES);
    let (output, reports) = mpsc::channel(limits::IMPORT_REPORTS);
    tokio::spawn(forward(body, pieces));
    let (connector, link) = (app.connector.clone(), app.link.clone());
    tokio::task::spawn_blocking(move || {
        run(&options, &connector, input, &output);
        drop(slot);
        // The engine may have been told that nothing is due for a while.
        let next_due_ms = Some(clock::now_ms());
        link.send(Down::Leases {
            campaign,
            leases: Vec::new(),
            next_due_ms,
        });
    });
    let lines = ReceiverStream::new(reports).map(|report| line(&report));
    Ok((
        [("content-type", "application/x-ndjson")],
        Body::from_stream(lines),
    )
        .into_response())
}

/// A place among the imports that run, and the campaign's id.
async fn admit(app: &App, options: &Options) -> Result<(OwnedSemaphorePermit, u64), ApiError> {
    let slot = std::sync::Arc::clone(&app.imports)
        .try_acquire_owned()
        .map_err(|_| ApiError::refused("other imports are running; wait for them to end"))?;
    let name = options.campaign.clone();
    let campaign = app
        .console
        .pool
        .call(move |client| campaigns::TABLE.id(client, &name))
        .await?;
    Ok((slot, campaign))
}

/// Reads what nobody wants: the sender reads the answer only after it has sent everything.
async fn drain(body: Body) {
    let mut stream = body.into_data_stream();
    while let Some(Ok(_)) = futures_util::StreamExt::next(&mut stream).await {}
}

fn line(report: &Report) -> Result<Bytes, serde_json::Error> {
    let mut line = serde_json::to_vec(report)?;
    line.push(b'\n');
    Ok(Bytes::from(line))
}

/// Hands the body on. When nobody takes it any more, because the import failed, the rest is read
/// and dropped, as in [`drain`].
async fn forward(body: Body, pieces: mpsc::Sender<Piece>) {
    let mut stream = body.into_data_stream();
    while let Some(next) = futures_util::StreamExt::next(&mut stream).await {
        match next {
            Ok(bytes) => {
                let _ = pieces.send(Piece::Bytes(bytes)).await;
            }
            // Without an end, so that nothing is kept.
            Err(_) => return,
        }
    }
    let _ = pieces.send(Piece::End).await;
}
