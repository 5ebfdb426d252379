//! `outdial doctor`.

use std::io::IsTerminal;

use crate::cli::client::{get, path};
use crate::cli::{CliError, Context};
use crate::doctor::{Check, host_checks};

pub fn run(context: &Context) -> Result<(), CliError> {
    let mut checks = Vec::new();
    match get(context, &path(&["checks"])) {
        Ok(answer) => {
            checks.push(Check::good("sidecar", "runs and answers"));
            let seen: Vec<Check> = serde_json::from_value(answer)
                .map_err(|error| CliError::Broken(error.to_string()))?;
            checks.extend(seen);
        }
        Err(error) => checks.push(Check::bad(
            "sidecar",
            error.to_string(),
            "systemctl start outdial, or outdial serve; then its log",
        )),
    }
    checks.extend(host_checks(&context.settings));
    let failed = checks.iter().any(|check| !check.ok);
    if context.json {
        let text = serde_json::to_string_pretty(&checks)
            .map_err(|error| CliError::Broken(error.to_string()))?;
        println!("{text}");
    } else {
        print(&checks);
    }
    if failed {
        Err(CliError::Silent)
    } else {
        Ok(())
    }
}

fn print(checks: &[Check]) {
    let color = std::io::stdout().is_terminal();
    for check in checks {
        let mark = match (check.ok, color) {
            (true, true) => "\x1b[32mok  \x1b[0m",
            (true, false) => "ok  ",
            (false, true) => "\x1b[31mFAIL\x1b[0m",
            (false, false) => "FAIL",
        };
        println!("{mark}  {:<16} {}", check.name, check.found);
        if let Some(fix) = &check.fix {
            println!("      {:<16} to mend it: {fix}", "");
        }
    }
}
