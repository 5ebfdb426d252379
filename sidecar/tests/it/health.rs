//! `/health`: each cause broken on purpose, and mended.

use std::time::Duration;

use crate::module::Module;
use crate::sidecar::{LONG, Sidecar, wait};

fn causes(sidecar: &Sidecar) -> Option<String> {
    let (code, body) = sidecar.get("/health")?;
    let causes = body["causes"]
        .as_array()?
        .iter()
        .filter_map(|c| c.as_str())
        .collect::<Vec<_>>()
        .join("|");
    assert_eq!(code == 200, causes.is_empty(), "{code} {body}");
    assert_eq!(body["node"], "pbx1");
    Some(causes)
}

#[test]
fn every_cause_is_named_and_goes_away() {
    let sidecar = Sidecar::start();
    assert!(
        causes(&sidecar)
            .unwrap()
            .contains("voiceAdapterConnected: no module is connected")
    );

    let mut module = Module::connect(&sidecar, 1);
    let fine = |module: &mut Module| {
        wait("health", LONG, || {
            module.heartbeat(|_| {});
            causes(&sidecar)?.is_empty().then_some(())
        });
    };
    fine(&mut module);
    type Change = fn(&mut outdial_link::Heartbeat);
    let troubles: [(&str, Change); 4] = [
        ("schedulerActive: the pump is 9000 ms late", |beat| {
            beat.pump_overdue_ms = 9_000
        }),
        ("schedulerActive: the engine is poisoned", |beat| {
            beat.poisoned = true
        }),
        ("schedulerActive: the journal can't be written", |beat| {
            beat.journal_writable = false
        }),
        ("executorActive: a job has waited 6000 ms", |beat| {
            beat.pool_oldest_ms = 6_000
        }),
    ];
    for (cause, change) in troubles {
        wait(cause, LONG, || {
            module.heartbeat(change);
            causes(&sidecar)?.starts_with(cause).then_some(())
        });
        fine(&mut module);
    }
    std::thread::sleep(Duration::from_millis(2_300));
    assert!(
        causes(&sidecar)
            .unwrap()
            .contains("voiceAdapterConnected: the module's last heartbeat is")
    );
    fine(&mut module);
}

#[test]
fn a_crash_of_the_private_postgresql_is_seen_and_mended() {
    let sidecar = Sidecar::start();
    let mut module = Module::connect(&sidecar, 1);
    module.heartbeat(|_| {});
    let lock = sidecar.dir.join("data/postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(lock)
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    wait("the trouble to be named", LONG, || {
        causes(&sidecar)?.contains("database: ").then_some(())
    });
    wait("PostgreSQL to be back", LONG, || {
        module.heartbeat(|_| {});
        causes(&sidecar)?.is_empty().then_some(())
    });
    sidecar.good(&["campaign", "create", "spring"]);
}
