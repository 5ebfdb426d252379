//! `outdial campaign`.

use clap::{Args, Subcommand};
use hyper::Method;
use serde_json::{Map, Value, json};

use crate::cli::client::{ask, get, path};
use crate::cli::{CliError, Context, table};

#[derive(Subcommand)]
pub enum Command {
    /// Create a campaign; it is stopped until you start it
    #[command(
        after_help = "Examples:\n  outdial campaign create spring --caller-id 551140001000 --time-zone America/Sao_Paulo\n  outdial campaign create renewals --mode power --ratio 2 --message sorry --caller-id 551140001000 \\\n      --time-zone America/Sao_Paulo --window 10:00-19:00 --days mon-fri --retry busy=10m --retry machine=never\n  outdial campaign create trial --test --caller-id 551140001000 --time-zone America/Sao_Paulo"
    )]
    Create {
        /// Name
        name: String,
        /// A test campaign: dialed by a simulated PBX only (outdial-sim-pbx), so nobody is called,
        /// and left out of statistics; for its whole life
        #[arg(long)]
        test: bool,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// Change a campaign; it takes effect within a second
    #[command(
        after_help = "Example:\n  outdial campaign set spring --mode power --ratio 1.5 --message sorry"
    )]
    Set {
        /// Name
        name: String,
        #[command(flatten)]
        fields: Box<Fields>,
    },
    /// List campaigns
    List,
    /// Show a campaign, its leads by status, and what it lacks to dial
    Show {
        /// Name
        name: String,
    },
    /// Start dialing; refused until everything that it needs is there
    Start {
        /// Name
        name: String,
    },
    /// Dial nothing new; calls in progress go on, leads in hand are kept
    Pause {
        /// Name
        name: String,
    },
    /// Dial nothing new, and give leads in hand back
    Stop {
        /// Name
        name: String,
    },
}

#[derive(Args)]
pub struct Fields {
    /// preview (an agent sees the lead first), progressive (one call for each free agent), power (a fixed ratio), predictive (as many as the
    /// abandon limit allows) or agentless [default: progressive]
    #[arg(long)]
    mode: Option<String>,
    /// Calls for each free agent, 1 to 5, with --mode power [default: 3]
    #[arg(long)]
    ratio: Option<f64>,
    /// Live calls for each agent logged in at most, 1 to 20, with --mode predictive [default: no such bound]
    #[arg(long)]
    max_ratio: Option<f64>,
    /// Percent of the calls answered by a person that may find no agent, with --mode predictive [default: 3]
    #[arg(long, value_name = "PERCENT")]
    abandon_limit: Option<f64>,
    /// The time over which the law looks at that percentage: day or month [default: month]
    #[arg(long, value_name = "WINDOW")]
    abandon_window: Option<String>,
    /// Number shown to the callee; several are used in turn
    #[arg(long = "caller-id", value_name = "NUMBER")]
    caller_ids: Vec<String>,
    /// Calls in 24 hours in which one caller id is shown, over all campaigns [default: no limit]
    #[arg(long, value_name = "CALLS")]
    caller_id_daily_cap: Option<u32>,
    /// Prefer caller ids that share so many leading digits with the called number: country and area
    /// code, 4 for +1 [default: 0, off]
    #[arg(long, value_name = "DIGITS")]
    local_presence: Option<u32>,
    /// From where the time without an agent is counted: answer, greeting_start, greeting_end (which
    /// AMD hears; what AMD takes counts in all three) or verdict (AMD's; without one the answer).
    /// The law may say which; answer is the strictest [default: answer]
    #[arg(long, value_name = "FROM")]
    abandon_from: Option<String>,
    /// What is done with a machine: hang_up, message (with --machine-message) or agent [default: hang_up]
    #[arg(long, value_name = "ACTION")]
    on_machine: Option<String>,
    /// Sound left on machines after their beep, with --on-machine message
    #[arg(long, value_name = "SOUND")]
    machine_message: Option<String>,
    /// Who can't be told apart is treated as agent (gets one) or machine [default: agent]
    #[arg(long, value_name = "AS")]
    on_unknown: Option<String>,
    /// Call screening is treated as agent (who says who calls) or machine [default: agent]
    #[arg(long, value_name = "AS")]
    on_screening: Option<String>,
    /// Percent of people among those whom AMD takes for machines, by your own audit: they count as
    /// abandoned [default: 0]
    #[arg(long, value_name = "PERCENT")]
    people_among_machines: Option<f64>,
    /// Tell people from machines with Asterisk's AMD() (FreeSWITCH has none) before an agent is asked for,
    /// with these arguments, as AMD() takes them, or as amd.conf has it: 2500,1500,800,5000 or default
    #[arg(long, value_name = "ARGUMENTS|default")]
    amd: Option<String>,
    /// Don't: only the dialplan does, where it has AMD() before OutdialConnect() [default]
    #[arg(long, conflicts_with = "amd")]
    no_amd: bool,
    /// Record calls with agents, by names of this pattern below the PBX's folder for recordings:
    /// '{date}/{campaign}-{attempt}.wav'; also {agent}, {lead}, {leg}, {number}, {time}; date and
    /// time in UTC; none: they are not recorded [default: none]
    #[arg(long, value_name = "PATTERN")]
    recording: Option<String>,
    /// The PBX's own queue (Asterisk: of queues.conf; FreeSWITCH: of mod_callcenter, support@default)
    /// whose members take the calls, in place of outdial's agents; outdial only paces then, and the
    /// answered call goes to Queue() or callcenter; '': no queue [default: no queue]
    #[arg(long)]
    queue: Option<String>,
    /// Sound for calls that find no agent, or that an agentless campaign plays
    #[arg(long, value_name = "SOUND")]
    message: Option<String>,
    /// Time zone of leads that have none of their own, such as America/Sao_Paulo
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Hours in which calls are allowed, on the lead's clock [default: 09:00-20:00]
    #[arg(long, value_name = "FROM-TO")]
    window: Option<String>,
    /// Days on which calls are allowed [default: mon-sat]
    #[arg(long, value_name = "DAYS")]
    days: Option<String>,
    /// Dialplan context for answered calls [default: outdial]
    #[arg(long)]
    context: Option<String>,
    /// Dialplan extension for answered calls [default: s]
    #[arg(long)]
    exten: Option<String>,
    /// What an agentless campaign does: play_message, continue, or goto CONTEXT,EXTEN
    #[arg(long, value_name = "ACTION")]
    agentless: Option<String>,
    /// Higher first when campaigns share agents or trunks [default: 0]
    #[arg(long, allow_hyphen_values = true)]
    priority: Option<i32>,
    /// Calls at once [default: 100]
    #[arg(long)]
    max_concurrent: Option<u32>,
    /// With --mode preview an agent looks at a lead for so long [default: 10 minutes, then it is skipped]
    #[arg(long, value_name = "MS")]
    preview_timeout_ms: Option<u32>,
    /// What is decided when that time is over: true dials, false skips [default: false]
    #[arg(long, value_name = "BOOL")]
    preview_dial: Option<bool>,
    /// Dials that no agent is left for ring so long before they are given up [default: 15000]
    #[arg(long, value_name = "MS")]
    min_ring_ms: Option<u32>,
    /// How long it rings [default: 25000]
    #[arg(long, value_name = "MS")]
    ring_timeout_ms: Option<u32>,
    /// From answer to agent; then the message plays [default: 2000]
    #[arg(long, value_name = "MS")]
    connect_limit_ms: Option<u32>,
    /// An agent's time after a call [default: 10000]
    #[arg(long, value_name = "MS")]
    wrap_up_ms: Option<u32>,
    /// Attempts of one lead [default: 6]
    #[arg(long)]
    max_attempts: Option<u32>,
    /// Attempts of one of its numbers [default: 3]
    #[arg(long)]
    max_attempts_per_number: Option<u32>,
    /// Attempts of one number in a day, over all campaigns [default: 10]
    #[arg(long)]
    number_attempts_per_day: Option<u32>,
    /// Attempts of one number, ever and over all campaigns, after which this one leaves it alone: 1 to 1000, or none [default: none]
    #[arg(long, value_name = "ATTEMPTS")]
    number_attempts_total: Option<String>,
    /// A callback with an agent waits so long for the agent, then anybody has it: 0 to 10080, or forever [default: 60]
    #[arg(long, value_name = "MINUTES")]
    callback_hold_minutes: Option<String>,
    /// Who was dialed in so many days and calls reaches the campaign's agents, by OutdialInbound in the
    /// dialplan; 0: nobody [default: 30]
    #[arg(long, value_name = "DAYS")]
    inbound_days: Option<u32>,
    /// Retry rule: OUTCOME=DELAY or OUTCOME=never; delays as 30s, 10m, 4h, or growing as 10m/20m/1h. Then, behind commas: next (the next number),
    /// attempts:N (in a row at most), status:WORD (what the lead is marked with at the end). Outcomes: no_answer, busy, congested, invalid, machine,
    /// abandoned, cancelled, failed; callback is for callbacks that reach nobody, completed takes a status only
    #[arg(long, value_name = "RULE")]
    retry: Vec<String>,
}

pub fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Create { name, test, fields } => {
            let mut body = fields.body()?;
            body.insert("name".into(), json!(name));
            if test {
                body.insert("test".into(), json!(true));
            }
            ask(
                context,
                Method::POST,
                &path(&["campaigns"]),
                Some(body.into()),
            )?;
            println!(
                "campaign {name:?} created; add leads with: outdial leads import FILE.csv --campaign '{name}' --country BR"
            );
        }
        Command::Set { name, fields } => {
            let body = fields.body()?;
            ask(
                context,
                Method::PATCH,
                &path(&["campaigns", &name]),
                Some(body.into()),
            )?;
            println!("campaign {name:?} changed");
        }
        Command::List => {
            let columns = [
                ("name", "name"),
                ("state", "state"),
                ("test", "test"),
                ("mode", "mode"),
                ("ratio", "ratio"),
                ("priority", "priority"),
                ("calls", "max_concurrent"),
                ("time zone", "time_zone"),
                ("from", "window_start"),
                ("to", "window_end"),
            ];
            table::show(context.json, &columns, get(context, &path(&["campaigns"]))?);
        }
        Command::Show { name } => show(context, get(context, &path(&["campaigns", &name]))?),
        Command::Start { name } => act(context, &name, "start")?,
        Command::Pause { name } => act(context, &name, "pause")?,
        Command::Stop { name } => act(context, &name, "stop")?,
    }
    Ok(())
}

fn act(context: &Context, name: &str, action: &str) -> Result<(), CliError> {
    let answer = ask(
        context,
        Method::POST,
        &path(&["campaigns", name, action]),
        None,
    )?;
    println!(
        "{}",
        table::text(answer.get("message").unwrap_or(&Value::Null))
    );
    Ok(())
}

fn show(context: &Context, campaign: Value) {
    if context.json {
        println!("{campaign:#}");
        return;
    }
    let Value::Object(fields) = campaign else {
        return;
    };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    for (key, value) in &fields {
        if key != "lacks" {
            println!("{key:width$}  {}", table::text(value));
        }
    }
    if let Some(Value::String(queue)) = fields.get("queue") {
        println!(
            "queue mode: outdial only paces. The members of the PBX's queue {queue} are the agents; who gets a \
             call, wrap-up and pauses are the queue's (agents and wrap_up_ms above only count for the prediction)"
        );
    }
    for lack in fields
        .get("lacks")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        println!("lacks: {}", table::text(lack));
    }
}

impl Fields {
    fn body(&self) -> Result<Map<String, Value>, CliError> {
        let mut body = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        };
        let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
        let number = |value: Option<u32>| value.map(|value| json!(value));
        put("mode", text(&self.mode));
        put("ratio", self.ratio.map(|ratio| json!(ratio)));
        put("max_ratio", self.max_ratio.map(|ratio| json!(ratio)));
        put(
            "abandon_limit",
            self.abandon_limit.map(|limit| json!(limit)),
        );
        put("abandon_window", text(&self.abandon_window));
        put("caller_id_daily_cap", number(self.caller_id_daily_cap));
        put("local_presence", number(self.local_presence));
        put("abandon_from", text(&self.abandon_from));
        put("on_machine", text(&self.on_machine));
        put("machine_message", text(&self.machine_message));
        put("on_unknown", text(&self.on_unknown));
        put("on_screening", text(&self.on_screening));
        put(
            "people_among_machines",
            self.people_among_machines.map(|percent| json!(percent)),
        );
        put(
            "amd",
            text(&self.amd).or(self.no_amd.then_some(Value::Null)),
        );
        put("message", text(&self.message));
        let recording = self.recording.as_deref();
        put(
            "recording",
            recording.map(|pattern| Some(pattern).filter(|p| *p != "none").into()),
        );
        let queue = self.queue.as_deref();
        put(
            "queue",
            queue.map(|queue| Some(queue).filter(|q| !q.is_empty()).into()),
        );
        put("time_zone", text(&self.time_zone));
        put("context", text(&self.context));
        put("exten", text(&self.exten));
        put("priority", self.priority.map(|priority| json!(priority)));
        put("max_concurrent", number(self.max_concurrent));
        put("ring_timeout_ms", number(self.ring_timeout_ms));
        put("min_ring_ms", number(self.min_ring_ms));
        put("preview_timeout_ms", number(self.preview_timeout_ms));
        put("preview_dial", self.preview_dial.map(|dial| json!(dial)));
        put("connect_limit_ms", number(self.connect_limit_ms));
        put("wrap_up_ms", number(self.wrap_up_ms));
        put("inbound_days", number(self.inbound_days));
        put("max_attempts", number(self.max_attempts));
        put(
            "max_attempts_per_number",
            number(self.max_attempts_per_number),
        );
        put(
            "number_attempts_per_day",
            number(self.number_attempts_per_day),
        );
        for (key, text, off) in [
            ("number_attempts_total", &self.number_attempts_total, "none"),
            (
                "callback_hold_minutes",
                &self.callback_hold_minutes,
                "forever",
            ),
        ] {
            let value = text.as_ref().map(|text| whole_or(key, text, off));
            put(key, value.transpose()?);
        }
        if !self.caller_ids.is_empty() {
            let digits: Vec<&str> = self
                .caller_ids
                .iter()
                .map(|id| id.trim_start_matches('+'))
                .collect();
            put("caller_ids", Some(json!(digits)));
        }
        if let Some(window) = &self.window {
            let (from, to) = window.split_once('-').ok_or_else(|| {
                CliError::Refused(format!("--window {window}: write it as 09:00-20:00"))
            })?;
            put("window_start", Some(json!(from.trim())));
            put("window_end", Some(json!(to.trim())));
        }
        if let Some(days) = &self.days {
            put("window_days", Some(json!(read_days(days)?)));
        }
        if let Some(action) = &self.agentless {
            let (action, target) = action.split_once(' ').unwrap_or((action, ""));
            put("agentless_action", Some(json!(action)));
            if let Some((goto_context, goto_exten)) = target.split_once(',') {
                put("goto_context", Some(json!(goto_context)));
                put("goto_exten", Some(json!(goto_exten)));
            }
        }
        if !self.retry.is_empty() {
            put("retry", Some(read_retry(&self.retry)?));
        }
        Ok(body)
    }
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `mon-fri`, `mon,wed,sat-sun` or `all`, to 1 (Monday) to 7.
fn read_days(text: &str) -> Result<Vec<usize>, CliError> {
    let bad = || {
        CliError::Refused(format!(
            "--days {text}: write them as mon-fri, or mon,wed,sat-sun, or all"
        ))
    };
    if text == "all" {
        return Ok((1..=7).collect());
    }
    let number = |day: &str| {
        DAYS.iter()
            .position(|known| *known == day.trim())
            .map(|day| day + 1)
            .ok_or_else(bad)
    };
    let mut days = Vec::new();
    for part in text.to_lowercase().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (number(from)?, number(to)?);
        if from > to {
            return Err(bad());
        }
        days.extend(from..=to);
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

/// A whole number, or the word for no limit.
fn whole_or(key: &str, text: &str, off: &str) -> Result<Value, CliError> {
    if text == off {
        return Ok(Value::Null);
    }
    text.parse::<u32>().map(|n| json!(n)).map_err(|_| {
        let flag = key.replace('_', "-");
        CliError::Refused(format!("--{flag} {text}: a whole number, or {off}"))
    })
}

/// `busy=10m/20m,attempts:5`, `no_answer=1h,next`, `machine=never,status:voicemail`.
fn read_retry(rules: &[String]) -> Result<Value, CliError> {
    let mut all = Map::new();
    for rule in rules {
        let bad = || {
            CliError::Refused(format!(
                "--retry {rule}: write it as busy=10m/20m/1h,attempts:5,status:unreachable, \
                 no_answer=1h,next or machine=never"
            ))
        };
        let (outcome, what) = rule.split_once('=').ok_or_else(bad)?;
        let value = read_rule(what).ok_or_else(bad)?;
        all.insert(outcome.replace('-', "_"), Value::Object(value));
    }
    Ok(Value::Object(all))
}

fn read_rule(what: &str) -> Option<Map<String, Value>> {
    let mut rule = Map::new();
    for (place, word) in what.split(',').enumerate() {
        match word.split_once(':') {
            Some(("attempts", n)) => rule.insert("attempts".into(), json!(n.parse::<u32>().ok()?)),
            Some(("status", status)) => rule.insert("status".into(), json!(status)),
            Some(_) => return None,
            None if word == "next" && place > 0 => rule.insert("next_number".into(), json!(true)),
            None if place > 0 => return None,
            None if word == "never" => rule.insert("retry".into(), json!(false)),
            None => {
                let delays: Vec<u32> = word.split('/').map(seconds).collect::<Option<_>>()?;
                let delay = match delays.as_slice() {
                    [one] => json!(one),
                    several => json!(several),
                };
                rule.insert("retry".into(), json!(true));
                rule.insert("next_number".into(), json!(false));
                rule.insert("delay_seconds".into(), delay)
            }
        };
    }
    Some(rule)
}

fn seconds(text: &str) -> Option<u32> {
    let (digits, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let unit = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<u32>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        assert_eq!(read_days("mon-sat").unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(read_days("Mon,Wed,sat-sun").unwrap(), [1, 3, 6, 7]);
        assert_eq!(read_days("all").unwrap().len(), 7);
        assert!(read_days("fri-mon").is_err());
        assert!(read_days("monday").is_err());
    }

    #[test]
    fn retry_rules_are_read() {
        let rules = [
            "busy=10m".to_owned(),
            "no-answer=1h,next".to_owned(),
            "machine=never".to_owned(),
        ];
        assert_eq!(
            read_retry(&rules).unwrap(),
            json!({
                "busy": { "retry": true, "delay_seconds": 600, "next_number": false },
                "no_answer": { "retry": true, "delay_seconds": 3600, "next_number": true },
                "machine": { "retry": false },
            })
        );
        assert!(read_retry(&["busy".to_owned()]).is_err());
        assert!(read_retry(&["busy=10x".to_owned()]).is_err());
    }

    #[test]
    fn retry_rules_that_grow_and_end_are_read() {
        let rules = [
            "busy=10m/20m,attempts:5,status:line_busy".to_owned(),
            "machine=4h,next,attempts:2".to_owned(),
            "completed=status:contacted".to_owned(),
        ];
        assert_eq!(
            read_retry(&rules).unwrap(),
            json!({
                "busy": { "retry": true, "delay_seconds": [600, 1200], "next_number": false,
                          "attempts": 5, "status": "line_busy" },
                "machine": { "retry": true, "delay_seconds": 14400, "next_number": true, "attempts": 2 },
                "completed": { "status": "contacted" },
            })
        );
        assert!(read_retry(&["busy=10m,attempts:x".to_owned()]).is_err());
        assert!(read_retry(&["busy=10m,often".to_owned()]).is_err());
    }
}
