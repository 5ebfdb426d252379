//! The little of a dialplan that cases need, said once for both PBXs.

/// One step of an extension.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Answers the call.
    Answer,
    /// Waits for so many seconds.
    Wait(u32),
    /// Runs an application of outdial's, `Agent` for example, with these arguments.
    Run(&'a str, &'a str),
    /// Keeps in a global variable of this name what the application before it said of itself.
    Keep(&'a str),
}

/// An extension and its steps.
pub type Extension<'a> = (&'a str, &'a [Step<'a>]);

/// A context as Asterisk's `extensions.conf` has it.
#[must_use]
pub fn asterisk(context: &str, extensions: &[Extension<'_>]) -> String {
    let mut text = format!("\n[{context}]\n");
    for (exten, steps) in extensions {
        for (priority, step) in (1..).zip(*steps) {
            let does = match step {
                Step::Answer => "Answer()".into(),
                Step::Wait(seconds) => format!("Wait({seconds})"),
                Step::Run(application, arguments) => format!("Outdial{application}({arguments})"),
                Step::Keep(name) => format!("Set(GLOBAL({name})=${{OUTDIAL_STATUS}})"),
            };
            text += &format!("exten => {exten},{priority},{does}\n");
        }
    }
    text
}

/// A context as FreeSWITCH's XML dialplan has it.
#[must_use]
pub fn freeswitch(context: &str, extensions: &[Extension<'_>]) -> String {
    let mut text = format!("<context name=\"{context}\">\n");
    for (exten, steps) in extensions {
        text += &format!(
            "<extension name=\"{exten}\"><condition field=\"destination_number\" expression=\"^{exten}$\">\n"
        );
        for step in *steps {
            let (application, data) = match step {
                Step::Answer => ("answer".into(), String::new()),
                Step::Wait(seconds) => ("sleep".into(), (seconds * 1000).to_string()),
                Step::Run(application, arguments) => {
                    let application = format!("outdial_{}", application.to_lowercase());
                    (application, (*arguments).to_owned())
                }
                Step::Keep(name) => ("set_global".into(), format!("{name}=${{outdial_status}}")),
            };
            text += &format!("<action application=\"{application}\" data=\"{data}\"/>\n");
        }
        text += "</condition></extension>\n";
    }
    text + "</context>\n"
}
