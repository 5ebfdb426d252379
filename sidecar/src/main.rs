//! The outdial sidecar and command line.

mod cli;
mod clock;
mod doctor;
mod http;
mod import;
mod limits;
mod link_server;
mod logging;
mod pin;
mod private_pg;
mod serve;
mod settings;
mod store;
#[cfg(test)]
mod testing;
mod windows;

fn main() -> std::process::ExitCode {
    cli::run()
}
