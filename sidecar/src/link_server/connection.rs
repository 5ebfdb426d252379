//! One connection of a module: the hand-shake, then messages both ways.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use outdial_link::{
    Config, Down, Hello, Numbered, Reader, Up, VERSION_MAX, VERSION_MIN, Welcome, encode, negotiate,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

use crate::limits;
use crate::link_server::Link;
use crate::serve::console::Console;
use crate::serve::leaser::LeaseJob;
use crate::serve::writer::WriteJob;

/// What every connection needs.
pub struct Context {
    /// This node's name.
    pub node: String,
    /// The shared state.
    pub link: Link,
    /// The thread that leases.
    pub leaser: SyncSender<LeaseJob>,
    /// The thread that writes results.
    pub writer: SyncSender<WriteJob>,
    /// Carries out what the PBX's console and dialplan ask for.
    pub console: Console,
    /// One hand-shake at a time: the next one sees who is connected.
    pub handshake: Mutex<()>,
    /// Bounds what the PBX asks for at once.
    pub request_slots: Arc<Semaphore>,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("closed by the module")]
    Closed,
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Frame(#[from] outdial_link::FrameError),
    #[error("it did not say hello in time")]
    NoHello,
    #[error("refused: {0}")]
    Refused(String),
    #[error("replaced, or cut off because it did not read")]
    Replaced,
}

/// Serves one module until it goes.
pub async fn serve(stream: UnixStream, context: &Context) {
    let id = context.link.connection_id();
    match run(stream, context, id).await {
        Ok(()) | Err(Ended::Closed) => tracing::info!(connection = id, "the module disconnected"),
        Err(Ended::Refused(why)) => {
            context.link.note_refusal(&why);
            tracing::warn!(connection = id, why, "a module was refused");
        }
        Err(reason) => tracing::warn!(connection = id, %reason, "the link was closed"),
    }
    context.link.disconnect(id);
}

async fn run(stream: UnixStream, context: &Context, id: u64) -> Result<(), Ended> {
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let (mut input, mut output) = stream.into_split();
    let mut reader = Reader::default();
    let hello = tokio::time::timeout(limits::HELLO_TIMEOUT, next(&mut input, &mut reader))
        .await
        .map_err(|_| Ended::NoHello)??;
    let Up::Hello(hello) = hello else {
        return Err(Ended::NoHello);
    };
    let turn = context.handshake.lock().await;
    let welcome = match welcome(context, &hello).await {
        Ok(welcome) => welcome,
        Err(why) => {
            drop(turn);
            write(&mut output, &Down::Refused { why: why.clone() }).await?;
            return Err(Ended::Refused(why));
        }
    };
    tracing::info!(
        connection = id,
        epoch = welcome.0.epoch,
        pbx = hello.pbx,
        library = hello.library,
        pid,
        leases = hello.leases.len(),
        "a module connected"
    );
    let (sender, out) = mpsc::channel(limits::LINK_OUT_WAITING);
    context.link.connect(id, hello, welcome, sender);
    drop(turn);
    let _ = context.leaser.try_send(LeaseJob::Adopt { connection: id });
    let mut writing = tokio::spawn(write_all(output, out));
    let result = tokio::select! {
        read = read_all(&mut input, &mut reader, context, id) => read,
        written = &mut writing => Err(match written {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => Ended::Replaced,
        }),
    };
    context.link.disconnect(id);
    writing.abort();
    result
}

async fn welcome(context: &Context, hello: &Hello) -> Result<(Welcome, Vec<Config>), String> {
    if hello.node != context.node {
        return Err(format!(
            "the module is configured as node {:?}, this sidecar serves node {:?}; make them \
             equal: node in outdial.conf, or node in the sidecar's settings",
            hello.node, context.node
        ));
    }
    let Some(version) = negotiate(hello.version_min, hello.version_max) else {
        return Err(format!(
            "the module speaks link versions {} to {}, this sidecar {VERSION_MIN} to \
             {VERSION_MAX}; install the same release of both",
            hello.version_min, hello.version_max
        ));
    };
    context
        .link
        .admit(hello)
        .map_err(|taken| taken.to_string())?;
    let (reply, answer) = oneshot::channel();
    let job = LeaseJob::Hello {
        hello: Box::new(hello.clone()),
        reply,
    };
    context
        .leaser
        .try_send(job)
        .map_err(|_| "the sidecar is busy; the module tries again".to_owned())?;
    match tokio::time::timeout(limits::WELCOME_TIMEOUT, answer).await {
        Ok(Ok(Ok(life))) => {
            let welcome = Welcome {
                version,
                epoch: life.epoch,
                sidecar: env!("CARGO_PKG_VERSION").into(),
            };
            Ok((welcome, life.history))
        }
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_)) | Err(_) => Err("PostgreSQL does not answer; the module tries again".into()),
    }
}

async fn next(input: &mut OwnedReadHalf, reader: &mut Reader) -> Result<Up, Ended> {
    let mut buffer = vec![0; limits::LINK_READ_BYTES];
    loop {
        if let Some(message) = reader.next()? {
            return Ok(message);
        }
        let read = input.read(&mut buffer).await?;
        if read == 0 {
            return Err(Ended::Closed);
        }
        reader.push(&buffer[..read]);
    }
}

async fn read_all(
    input: &mut OwnedReadHalf,
    reader: &mut Reader,
    context: &Context,
    id: u64,
) -> Result<(), Ended> {
    loop {
        let message = next(input, reader).await?;
        if !context.link.is_current(id) {
            return Err(Ended::Replaced);
        }
        take(message, context, id);
    }
}

/// Never waits: what the database threads can't take now comes again, or expires.
fn take(message: Up, context: &Context, id: u64) {
    let link = &context.link;
    match message {
        Up::Hello(_) => tracing::warn!("the module said hello twice"),
        Up::Heartbeat(heartbeat) => link.heartbeat(heartbeat),
        Up::Records(records) => take_records(records, context, id),
        Up::ReplayDone => {
            if context
                .writer
                .try_send(WriteJob::ReplayDone { connection: id })
                .is_err()
            {
                link.cut(id);
            }
        }
        Up::NeedLeads { campaign, count } => {
            // When the queue is full the engine asks again by itself.
            let at = Instant::now();
            let _ = context.leaser.try_send(LeaseJob::Need {
                connection: id,
                campaign,
                count,
                at,
            });
        }
        Up::ReturnLeases {
            campaign: _,
            leases,
        } => {
            link.let_go(leases.iter());
            // A lease that is not given back in time expires.
            let _ = context.leaser.try_send(LeaseJob::Return {
                connection: id,
                leases,
            });
        }
        Up::ConfigRefused { what, error } => {
            tracing::warn!(what, error, "the engine refused a configuration");
            link.config_refused(what, error);
        }
        Up::CampaignChecked { campaign, lacks } => {
            if let Some(lacks) = &lacks {
                tracing::warn!(
                    campaign,
                    lacks,
                    "the PBX lacks what the campaign needs; it does not dial"
                );
            }
            link.campaign_checked(campaign, lacks);
        }
        Up::AgentChanged {
            agent,
            state,
            pause,
        } => link.agent(agent, state, pause),
        Up::Preview { agent, lead } => link.preview(agent, lead),
        Up::DeferLease {
            campaign: _,
            lease,
            until_ms,
        } => {
            link.let_go([lease].iter());
            // A lease that is not given back in time expires.
            let _ = context.leaser.try_send(LeaseJob::Defer {
                connection: id,
                lease,
                until_ms,
            });
        }
        Up::Snapshot(snapshot) => link.snapshot(*snapshot),
        Up::Answer {
            request,
            last,
            result,
        } => link.answered(request, last, result),
        Up::Request { request, what } => {
            let console = context.console.clone();
            carry_out(context, id, async move {
                let result = console.run(what).await.map_err(|error| error.to_string());
                Down::Requested { request, result }
            });
        }
        Up::Inbound { request, call } => {
            let console = context.console.clone();
            carry_out(context, id, async move {
                let answer = console.caller(call).await;
                Down::Inbound { request, answer }
            });
        }
        Up::Columns { request, lead } => {
            let console = context.console.clone();
            carry_out(context, id, async move {
                let columns = console.columns(lead).await;
                let result = columns.map_err(|error| error.to_string());
                Down::Columns { request, result }
            });
        }
        Up::Pin {
            request,
            agent,
            pin,
        } => {
            let console = context.console.clone();
            carry_out(context, id, async move {
                let checked = console.check_pin(agent, pin).await;
                let result = checked.map_err(|error| error.to_string());
                Down::Pin { request, result }
            });
        }
    }
}

fn take_records(records: Vec<Numbered>, context: &Context, id: u64) {
    let (Some(first), count) = (records.first().map(|r| r.seq), records.len()) else {
        return;
    };
    if !context.link.take_records(first, count) {
        return;
    }
    let job = WriteJob::Records {
        connection: id,
        records,
    };
    if context.writer.try_send(job).is_err() {
        context.link.give_up_records(count);
    }
}

/// On a task of its own: it may wait for PostgreSQL and for the engine. The module bounds how many
/// there are; so many at once, the others in turn.
fn carry_out(context: &Context, id: u64, answer: impl Future<Output = Down> + Send + 'static) {
    let link = context.link.clone();
    let slots = Arc::clone(&context.request_slots);
    tokio::spawn(async move {
        // Closed by nobody.
        let Ok(_slot) = slots.acquire_owned().await else {
            return;
        };
        link.send_to(id, answer.await);
    });
}

async fn write(output: &mut OwnedWriteHalf, message: &Down) -> Result<(), Ended> {
    let mut bytes = Vec::new();
    encode(message, &mut bytes)?;
    output.write_all(&bytes).await?;
    Ok(())
}

/// Ends when the sending ends are gone: the connection was replaced or cut.
async fn write_all(mut output: OwnedWriteHalf, mut out: mpsc::Receiver<Down>) -> Result<(), Ended> {
    let mut bytes = Vec::new();
    while let Some(message) = out.recv().await {
        encode(&message, &mut bytes)?;
        while bytes.len() < limits::LINK_READ_BYTES
            && let Ok(message) = out.try_recv()
        {
            encode(&message, &mut bytes)?;
        }
        output.write_all(&bytes).await?;
        bytes.clear();
    }
    Ok(())
}
