use std::process::Command;

use outdial_harness::process::run;
use outdial_harness::{FreeSwitch, Result, Rig, ensure};

use crate::BarePbx;

impl BarePbx for FreeSwitch {
    const SIP: &'static str = "sofia";
    const INSIDE: &'static str = "loopback";
    const DIALPLAN: &'static str = r#"
<context name="bench"><extension name="bench"><condition field="destination_number" expression="^s$">
  <action application="outdial_connect"/><action application="hangup"/>
</condition></extension></context>
<context name="bare"><extension name="bare"><condition field="destination_number" expression="^s$">
  <action application="sleep" data="1"/><action application="hangup"/>
</condition></extension></context>
<context name="loop"><extension name="loop"><condition field="destination_number" expression="^\d+$">
  <action application="answer"/><action application="sleep" data="5000"/>
</condition></extension></context>
"#;

    fn prepare(rig: &Rig<FreeSwitch>) -> Result<()> {
        let workspace = &rig.workspace;
        let build = workspace.target.join("bare_loop");
        run(Command::new("make")
            .args(["-s", "-C", "tests/freeswitch/bare_loop"])
            .arg(format!("BUILD={}", build.display()))
            .current_dir(&workspace.root)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL"))?;
        rig.pbx.install_module(&build.join("mod_bare_loop.so"))?;
        let said = rig.pbx.cli("load mod_bare_loop")?;
        ensure!(said.contains("+OK"), "{said}");
        rig.pbx.cli("fsctl loglevel warning")?;
        Ok(())
    }

    fn bare(&self, tech: &str, number: &str, numbers: &str) -> Result<String> {
        let dest = match tech {
            Self::SIP => format!("gateway/carrier/{number}"),
            _ => format!("{number}/loop/XML"),
        };
        self.cli(&format!("bareloop run {tech} {dest} {numbers} bare"))
    }
}
