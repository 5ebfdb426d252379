//! Asks the sidecar over its control socket.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::cli::{CliError, Context};

/// The most of one line of an answer.
const LINE_BYTES: usize = 1024 * 1024;

/// A body that is sent.
pub type Sent = BoxBody<Bytes, std::io::Error>;

/// A path of the API, with names made safe for it.
pub fn path(parts: &[&str]) -> String {
    let mut path = String::from("/v1");
    for part in parts {
        path.push('/');
        path.push_str(&encode(part));
    }
    path
}

/// Percent-encodes all but letters, digits and a few marks.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                char::from(b).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// One question, one answer.
pub fn ask(
    context: &Context,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value, CliError> {
    let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let body = Full::new(bytes).map_err(|never| match never {}).boxed();
    block_on(async {
        let response = send(context, method, path, "application/json", body).await?;
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(broken)?
            .to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| CliError::Broken(error.to_string()))
    })
}

/// A GET.
pub fn get(context: &Context, path: &str) -> Result<Value, CliError> {
    ask(context, Method::GET, path, None)
}

/// One question whose answer comes line by line.
pub async fn lines(
    context: &Context,
    path: &str,
    content_type: &str,
    body: Sent,
    mut each: impl FnMut(Value) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let response = send(context, Method::POST, path, content_type, body).await?;
    let mut frames = BodyStream::new(response.into_body());
    let mut rest: Vec<u8> = Vec::new();
    while let Some(frame) = frames.next().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        rest.extend_from_slice(&data);
        let mut start = 0;
        while let Some(length) = rest[start..].iter().position(|b| *b == b'\n') {
            let line = serde_json::from_slice(&rest[start..start + length])
                .map_err(|error| CliError::Broken(error.to_string()))?;
            each(line)?;
            start += length + 1;
        }
        rest.drain(..start);
        if rest.len() > LINE_BYTES {
            return Err(CliError::Broken("an answer without end".into()));
        }
    }
    Ok(())
}

/// Runs `work` to its end.
pub fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::File("can't start tokio".into(), error))?
        .block_on(work)
}

async fn send(
    context: &Context,
    method: Method,
    path: &str,
    content_type: &str,
    body: Sent,
) -> Result<Response<Incoming>, CliError> {
    let socket = context.settings.control_socket();
    let stream = UnixStream::connect(&socket)
        .await
        .map_err(|error| CliError::NoSidecar {
            path: socket,
            error,
        })?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the sender; what goes wrong shows in the request.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "outdial")
        .header("content-type", content_type)
        .body(body)
        .map_err(|error| CliError::Broken(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let bytes = response
        .into_body()
        .collect()
        .await
        .map_err(broken)?
        .to_bytes();
    let message = serde_json::from_slice::<Value>(&bytes)
        .ok()
        .and_then(|body| Some(body.get("error")?.as_str()?.to_owned()))
        .unwrap_or_else(|| format!("{status} {}", String::from_utf8_lossy(&bytes)));
    Err(CliError::Refused(message))
}

fn broken(error: hyper::Error) -> CliError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    CliError::Broken(text)
}
