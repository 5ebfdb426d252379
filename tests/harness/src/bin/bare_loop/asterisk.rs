use std::process::Command;

use outdial_harness::process::run;
use outdial_harness::{Asterisk, Result, Rig, ensure};

use crate::BarePbx;

impl BarePbx for Asterisk {
    const SIP: &'static str = "PJSIP";
    const INSIDE: &'static str = "Local";
    const DIALPLAN: &'static str = "
[bench]
exten => s,1,OutdialConnect()
 same => n,Hangup()
[bare]
exten => s,1,BareLoop(1,b)
 same => n,Hangup()
[loop]
exten => _X.,1,Answer()
 same => n,Wait(5)
";

    fn prepare(rig: &Rig<Asterisk>) -> Result<()> {
        let workspace = &rig.workspace;
        let build = workspace.target.join("bare_loop");
        run(Command::new("make")
            .args(["-s", "-C", "tests/asterisk/bare_loop"])
            .arg(format!("BUILD={}", build.display()))
            .arg(format!(
                "ASTERISK_INCLUDE={}",
                workspace.asterisk_include().display()
            ))
            .current_dir(&workspace.root)
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL"))?;
        rig.pbx.install_module(&build.join("res_bare_loop.so"))?;
        let said = rig.pbx.cli("module load res_bare_loop.so")?;
        ensure!(said.contains("Loaded"), "{said}");
        rig.pbx.cli("core set verbose 0")?;
        Ok(())
    }

    fn bare(&self, tech: &str, number: &str, numbers: &str) -> Result<String> {
        let dest = match tech {
            Self::SIP => format!("{number}@carrier"),
            _ => format!("{number}@loop/n"),
        };
        self.cli(&format!("bareloop run {tech} {dest} {numbers} bare"))
    }
}
