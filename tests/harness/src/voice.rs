//! Voices for AMD: espeak-ng speaks, sox beeps and makes PCMU of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run;

/// Samples in a second.
const RATE: f64 = 8_000.0;
/// Silence in PCMU.
const SILENT: u8 = 0xff;

/// A sound as it goes over the line: PCMU.
#[derive(Clone, Debug, Default)]
pub struct Sound(Vec<u8>);

impl Sound {
    /// Silence.
    #[must_use]
    pub fn silence(seconds: f64) -> Sound {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few seconds"
        )]
        let samples = (seconds * RATE) as usize;
        Sound(vec![SILENT; samples])
    }

    /// Somebody says this. `scratch` is for files.
    ///
    /// # Errors
    /// espeak-ng or sox is missing or fails.
    pub fn speech(scratch: &Path, text: &str) -> Result<Sound> {
        let spoken = scratch.join("spoken.wav");
        run(Command::new("espeak-ng")
            .args(["-v", "en-us", "-s", "160", "-w"])
            .arg(&spoken)
            .arg(text))?;
        Sound::by_sox(scratch, &[spoken.as_os_str()], &[])
    }

    /// A tone.
    ///
    /// # Errors
    /// sox is missing or fails.
    pub fn beep(scratch: &Path, hertz: u32, seconds: f64) -> Result<Sound> {
        let nothing = ["-n".as_ref()];
        let (length, pitch) = (seconds.to_string(), hertz.to_string());
        let effect = ["synth", &length, "sine", &pitch, "gain", "-10"];
        Sound::by_sox(scratch, &nothing, &effect)
    }

    fn by_sox(scratch: &Path, from: &[&std::ffi::OsStr], effects: &[&str]) -> Result<Sound> {
        let to = scratch.join("sox.ulaw");
        run(Command::new("sox")
            .args(from)
            .args(["-r", "8000", "-c", "1", "-t", "ul"])
            .arg(&to)
            .args(effects))?;
        let bytes = fs::read(&to).with_context(|| format!("reading {}", to.display()))?;
        Ok(Sound(bytes))
    }

    /// One after the other.
    #[must_use]
    pub fn then(mut self, next: &Sound) -> Sound {
        self.0.extend_from_slice(&next.0);
        self
    }

    /// How long it lasts.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        crate::figures::count(self.0.len()) / RATE
    }

    /// Writes it where a scenario of SIPp finds it.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, &self.0).with_context(|| format!("writing {}", path.display()))
    }
}

/// The files of `tests/sipp/voices.xml`, without `.ulaw`: SIPp wants all of them.
pub const VOICES: [&str; 4] = ["hello", "greeting", "mailbox", "endless"];

/// What the callees of `tests/sipp/voices.xml` say.
pub struct Callees {
    /// A machine's greeting.
    pub greeting: Sound,
    /// The same with a beep behind it.
    pub mailbox: Sound,
}

impl Callees {
    /// Makes the sounds and puts them, with silence behind them, where the scenario looks.
    ///
    /// # Errors
    /// espeak-ng or sox is missing or fails, or a file can't be written.
    pub fn write(scratch: &Path) -> Result<Callees> {
        let say = |text| Sound::speech(scratch, text);
        let breath = Sound::silence(1.0);
        let greeting = Sound::silence(0.3)
            .then(&say(
                "You have reached the mailbox of the Miller family. We can not come to the phone.",
            )?)
            .then(&breath)
            .then(&say("Please leave a message after the tone.")?);
        let beep = Sound::beep(scratch, 1_000, 0.4)?;
        let mailbox = greeting.clone().then(&breath).then(&beep);
        let hello = Sound::silence(0.3).then(&say("Hello?")?);
        let still = Sound::silence(15.0);
        for (name, sound) in [
            ("hello", &hello),
            ("greeting", &greeting),
            ("mailbox", &mailbox),
        ] {
            let file = scratch.join(format!("{name}.ulaw"));
            sound.clone().then(&still).write(&file)?;
        }
        greeting.write(&scratch.join("endless.ulaw"))?;
        Ok(Callees { greeting, mailbox })
    }
}
