//! What every test with a sidecar has, whatever the PBX.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::leads::{Lead, write_csv};
use crate::sidecar::Sidecar;
use crate::wait::{wait_for, wait_until};
use crate::workspace::{RunDir, Workspace};

/// Sidecar with database, folders, and what an operator does with them.
pub struct Site {
    /// Sidecar and database.
    pub sidecar: Sidecar,
    /// Logs that stay.
    pub logs: PathBuf,
    /// What was built.
    pub workspace: Workspace,
    run: RunDir,
    files: u32,
    echo: bool,
}

/// The trunk of a site.
#[derive(Clone, Copy, Debug)]
pub struct TrunkOptions {
    /// Calls per second.
    pub cps: u32,
    /// Calls at once after a pause.
    pub burst: u32,
    /// Calls at once.
    pub channels: u32,
}

impl Site {
    /// Starts a sidecar. `kind` is the folder of `target/` for the logs.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(workspace: Workspace, kind: &str, name: &str, echo: bool) -> Result<Site> {
        let logs = workspace.log_dir(kind, name)?;
        let run = RunDir::new(&workspace, name)?;
        let sidecar = Sidecar::launch(&workspace, name, &run.path().join("sidecar"), &logs)?;
        Ok(Site {
            sidecar,
            logs,
            workspace,
            run,
            files: 0,
            echo,
        })
    }

    /// Waits until all is well; then bounds the calls that dial at once, and adds the trunk
    /// `carrier`, which has this technology and endpoint, with a route for all numbers.
    ///
    /// # Errors
    /// It is not well, or a command fails.
    pub fn open(
        &self,
        max_concurrent_originates: u32,
        (tech, endpoint): (&str, &str),
        trunk: TrunkOptions,
    ) -> Result<()> {
        self.wait_healthy(Duration::from_secs(20))?;
        self.sidecar.sql()?.execute(
            "UPDATE outdial.settings SET value = $1 WHERE key = 'max_concurrent_originates'",
            &[&max_concurrent_originates.to_string()],
        )?;
        self.outdial(&[
            "trunks",
            "add",
            "carrier",
            "--tech",
            tech,
            "--endpoint",
            endpoint,
            "--cps-limit",
            &trunk.cps.to_string(),
            "--burst",
            &trunk.burst.to_string(),
            "--max-channels",
            &trunk.channels.to_string(),
        ])?;
        self.outdial(&["routes", "add", "--trunk", "carrier"])?;
        Ok(())
    }

    /// Adds agents 1001 to 1000 + `count` to a campaign.
    ///
    /// # Errors
    /// The command fails.
    pub fn add_agents(&self, campaign: &str, count: u32) -> Result<()> {
        let mut args = vec!["agents".to_owned(), "add".to_owned()];
        args.extend((1..=count).map(|agent| (1000 + agent).to_string()));
        args.extend(["--campaign".to_owned(), campaign.to_owned()]);
        self.outdial(&args).map(|_| ())
    }

    /// The folder that PBX and sidecar share.
    #[must_use]
    pub fn run_dir(&self) -> &std::path::Path {
        self.run.path()
    }

    /// Waits until everything works.
    ///
    /// # Errors
    /// It does not; with what `/health` says.
    pub fn wait_healthy(&self, limit: Duration) -> Result<()> {
        self.sidecar.wait_health(200, limit, |_| true).map(|_| ())
    }

    /// Runs an `outdial` command.
    ///
    /// # Errors
    /// It fails.
    pub fn outdial<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Result<String> {
        if self.echo {
            let words: Vec<String> = args
                .iter()
                .map(|arg| shown(&arg.as_ref().to_string_lossy()))
                .collect();
            println!("  $ outdial {}", words.join(" "));
        }
        self.sidecar.outdial(args)
    }

    /// Makes a campaign that may call at any hour, with more options as the command line has them.
    ///
    /// # Errors
    /// The command fails.
    pub fn campaign(&self, name: &str, options: &[&str]) -> Result<()> {
        let mut args = vec![
            "campaign",
            "create",
            name,
            "--caller-id",
            "551140000000",
            "--time-zone",
            "America/Sao_Paulo",
            "--window",
            "00:00-24:00",
            "--days",
            "all",
        ];
        args.extend(options);
        self.outdial(&args).map(|_| ())
    }

    /// Makes a campaign that dials `ratio` numbers for each free agent, with more options as the
    /// command line has them.
    ///
    /// # Errors
    /// The command fails.
    pub fn power(&self, name: &str, ratio: &str, options: &[&str]) -> Result<()> {
        let mut all = vec!["--mode", "power", "--ratio", ratio];
        all.extend(["--message", "vm-goodbye"]);
        all.extend(options);
        self.campaign(name, &all)
    }

    /// Makes a campaign without agents that does `then` with each answered call, with more options
    /// as the command line has them.
    ///
    /// # Errors
    /// The command fails.
    pub fn agentless(&self, name: &str, then: &str, options: &[&str]) -> Result<()> {
        let mut all = vec!["--mode", "agentless", "--agentless", then];
        all.extend(["--message", "vm-goodbye"]);
        all.extend(options);
        self.campaign(name, &all)
    }

    /// Imports leads into a campaign.
    ///
    /// # Errors
    /// The command fails.
    pub fn import(&mut self, campaign: &str, leads: &[Lead]) -> Result<String> {
        self.files += 1;
        let file = self.logs.join(format!("leads-{}.csv", self.files));
        write_csv(&file, leads)?;
        let file = file.display().to_string();
        self.outdial(&[
            "leads",
            "import",
            &file,
            "--campaign",
            campaign,
            "--country",
            "BR",
        ])
    }

    /// Puts leads into a campaign by SQL, past the importer and its checks.
    ///
    /// # Errors
    /// As PostgreSQL says.
    pub fn insert(&self, campaign: &str, numbers: &[String]) -> Result<()> {
        self.sidecar.sql()?.execute(
            "WITH c AS (SELECT id FROM outdial.campaigns WHERE name = $1),
                  n AS (SELECT nextval('outdial.lead_seq') AS lead, number FROM unnest($2::text[]) AS number),
                  l AS (INSERT INTO outdial.leads (campaign_id, id) SELECT c.id, n.lead FROM c, n)
             INSERT INTO outdial.lead_numbers (campaign_id, lead_id, position, number)
             SELECT c.id, n.lead, 0, n.number FROM c, n",
            &[&campaign, &numbers],
        )?;
        Ok(())
    }

    /// How many agents are in this state, by `/status`.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn agents_in(&self, state: &str) -> Result<usize> {
        let status = self.sidecar.status()?;
        let agents = status["agents"].as_array().cloned().unwrap_or_default();
        Ok(agents
            .iter()
            .filter(|agent| agent["state"] == state)
            .count())
    }

    /// Waits until at least this many agents are in this state.
    ///
    /// # Errors
    /// They are not.
    pub fn wait_agents(&self, state: &str, count: usize, limit: Duration) -> Result<()> {
        wait_for(&format!("{count} agents {state}"), limit, || {
            Ok(self.agents_in(state)? >= count)
        })
        .with_context(|| self.sidecar.outdial(&["status"]).unwrap_or_default())
    }

    /// Calls that the engine has live, by `/status`.
    ///
    /// # Errors
    /// Nobody answers.
    pub fn live(&self) -> Result<u64> {
        Ok(self.sidecar.status()?["totals"]["live"]
            .as_u64()
            .unwrap_or_default())
    }

    /// Waits until this many attempts are in the table.
    ///
    /// # Errors
    /// They are not.
    pub fn wait_attempts(&self, count: i64, limit: Duration) -> Result<()> {
        let mut sql = self.sidecar.sql()?;
        let mut last = 0;
        wait_until(&format!("{count} attempts in the table"), limit, || {
            last = sql
                .query_one("SELECT count(*) FROM outdial.attempts", &[])?
                .get(0);
            Ok((last >= count).then_some(()))
        })
        .with_context(|| format!("there are {last}"))
    }

    /// Waits until every lead of a campaign is in one of the states given.
    ///
    /// # Errors
    /// They are not.
    pub fn wait_leads(&self, campaign: &str, states: &[&str], limit: Duration) -> Result<()> {
        let mut sql = self.sidecar.sql()?;
        let mut left: i64 = 0;
        wait_until("the end of the campaign", limit, || {
            left = sql
                .query_one(
                    "SELECT count(*) FROM outdial.leads l JOIN outdial.campaigns c ON c.id = l.campaign_id
                     WHERE c.name = $1 AND l.status <> ALL ($2)",
                    &[&campaign, &states],
                )?
                .get(0);
            Ok((left == 0).then_some(()))
        })
        .with_context(|| format!("{left} leads are left"))
    }
}

/// As one would type it in a shell.
fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{word}'")
    }
}
