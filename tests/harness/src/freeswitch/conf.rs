//! FreeSWITCH's configuration: one file, made of `tests/freeswitch/freeswitch.xml`.

use crate::pbx::PbxOptions;

/// What both SIP profiles have.
const PROFILE: &[(&str, &str)] = &[
    ("dialplan", "XML"),
    ("sip-ip", "127.0.0.1"),
    ("rtp-ip", "127.0.0.1"),
    ("bind-params", "transport=udp"),
    ("auth-calls", "false"),
    ("manage-presence", "false"),
    ("inbound-codec-prefs", "PCMU"),
    ("outbound-codec-prefs", "PCMU"),
    // Without a timer of its own a channel that hears nothing waits for ever.
    ("rtp-timer-name", "soft"),
    ("enable-timer", "false"),
    ("enable-100rel", "false"),
];

/// What is filled into the template.
pub(super) struct Conf<'a> {
    /// Folder of the run.
    pub(super) run: String,
    /// The tests' own.
    pub(super) options: &'a PbxOptions,
    /// Lines `name = value` for the module; behind a line `[keys]` those of the agents' keys.
    pub(super) settings: &'a str,
    pub(super) command_port: u16,
    pub(super) password: &'a str,
    pub(super) sip_port: u16,
    pub(super) trunk_port: u16,
}

impl Conf<'_> {
    /// The template, filled in.
    pub(super) fn fill(&self, template: &str) -> String {
        let options = self.options;
        let mut load = options.load.clone();
        if options.load_outdial {
            load.push("mod_outdial".into());
        }
        let load: String = load
            .iter()
            .map(|name| format!("    <load module=\"{name}\"/>\n"))
            .collect();
        let carrier2 = options.carrier2_port.unwrap_or(options.carrier_port);
        let gateways = gateway("carrier", options.carrier_port) + &gateway("carrier2", carrier2);
        let (settings, agents_keys) = self
            .settings
            .split_once("[keys]")
            .unwrap_or((self.settings, ""));
        let mut text = template.to_owned();
        for (name, value) in [
            ("@RUN@", self.run.clone()),
            ("@LOAD@", load),
            ("@COMMAND_PORT@", self.command_port.to_string()),
            ("@PASSWORD@", self.password.to_owned()),
            ("@SIP_PORT@", self.sip_port.to_string()),
            ("@TRUNK_PORT@", self.trunk_port.to_string()),
            ("@PROFILE@", params(PROFILE.iter().copied())),
            ("@GATEWAYS@", gateways),
            ("@OUTDIAL@", params(pairs(settings))),
            ("@KEYS@", keys(agents_keys)),
            ("@DIALPLAN@", options.dialplan.clone()),
        ] {
            text = text.replace(name, &value);
        }
        text
    }
}

/// A carrier that needs no registration.
fn gateway(name: &str, port: u16) -> String {
    let proxy = format!("127.0.0.1:{port};transport=udp");
    let settings = [
        ("realm", "outdial.test"),
        ("proxy", &proxy),
        ("register", "false"),
        ("caller-id-in-from", "true"),
    ];
    format!(
        "<gateway name=\"{name}\">\n{}</gateway>\n",
        params(settings.into_iter())
    )
}

fn keys(lines: &str) -> String {
    pairs(lines)
        .map(|(digits, action)| format!("    <key digits=\"{digits}\" action=\"{action}\"/>\n"))
        .collect()
}

/// Lines `name = value`.
fn pairs(lines: &str) -> impl Iterator<Item = (&str, &str)> {
    lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

fn params<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs
        .map(|(name, value)| {
            let value = value.replace('&', "&amp;").replace('"', "&quot;");
            let value = value.replace('<', "&lt;");
            format!("    <param name=\"{name}\" value=\"{value}\"/>\n")
        })
        .collect()
}
