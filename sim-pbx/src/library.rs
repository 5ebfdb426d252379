//! `liboutdial.so`, loaded at run time, behind safe functions.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::abi;

/// The functions that this host uses. The library stays loaded until the process ends.
pub struct Library {
    version: abi::Version,
    strerror: abi::StrError,
    new: abi::New,
    start: abi::Takes,
    seal: abi::Takes,
    drain: abi::Drain,
    stop: abi::Stop,
    free: abi::Free,
    post: abi::Post,
    stats: abi::GetStats,
    heartbeat_age: abi::HeartbeatAge,
}

/// What `outdial_new` needs.
pub struct Settings {
    /// Node.
    pub node: CString,
    /// The sidecar's socket.
    pub socket: CString,
    /// Folder.
    pub journal: CString,
    /// What this PBX calls itself.
    pub pbx: CString,
}

/// What happened, for the engine.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// One of `OUTDIAL_EVENT_`.
    pub kind: u32,
    /// Leg or session.
    pub id: CString,
    /// Session or agent.
    pub other: CString,
    /// As in `probe`.
    pub request: u64,
    /// As the kind says.
    pub value: i32,
    /// 0: none.
    pub sip_status: i32,
    /// 0: none.
    pub q850: i32,
}

/// Room for the library's own words.
const MESSAGE_BYTES: usize = 1024;

impl Library {
    /// Loads it and checks its version.
    ///
    /// # Errors
    /// It is not there, is no such library, or is too old.
    pub fn load(path: &Path) -> Result<Library> {
        // SAFETY: liboutdial has no code that runs when it is loaded; whoever names another file
        // runs that file's code, as with any program.
        let library = unsafe { libloading::Library::new(path) }
            .with_context(|| format!("loading {}", path.display()))?;
        // SAFETY: the type is the header's.
        let abi_version: abi::AbiVersion = unsafe { symbol(&library, c"outdial_abi_version")? };
        // SAFETY: takes nothing, from any thread.
        let found = unsafe { abi_version() };
        let (major, minor) = (found >> 16, found & 0xffff);
        if major != abi::ABI_MAJOR || minor < abi::ABI_MINOR {
            bail!(
                "{} speaks ABI {major}.{minor}, this simulated PBX needs {}.{}; install the same \
                 release of both",
                path.display(),
                abi::ABI_MAJOR,
                abi::ABI_MINOR
            );
        }
        // SAFETY: the types are the header's, whose version was just checked.
        let loaded = unsafe {
            Library {
                version: symbol(&library, c"outdial_version")?,
                strerror: symbol(&library, c"outdial_strerror")?,
                new: symbol(&library, c"outdial_new")?,
                start: symbol(&library, c"outdial_start")?,
                seal: symbol(&library, c"outdial_seal")?,
                drain: symbol(&library, c"outdial_drain")?,
                stop: symbol(&library, c"outdial_stop")?,
                free: symbol(&library, c"outdial_free")?,
                post: symbol(&library, c"outdial_post")?,
                stats: symbol(&library, c"outdial_stats")?,
                heartbeat_age: symbol(&library, c"outdial_heartbeat_age_ms")?,
            }
        };
        // Its functions are used for as long as this process lives.
        std::mem::forget(library);
        Ok(loaded)
    }

    /// The library's version.
    pub fn version(&self) -> String {
        // SAFETY: takes nothing; the text is the library's and stays.
        unsafe { CStr::from_ptr((self.version)()) }
            .to_string_lossy()
            .into_owned()
    }

    /// Makes an engine and tells it that calls of this host reach nobody.
    ///
    /// # Errors
    /// What the library says.
    pub fn engine(self, vtable: &abi::Host, settings: &Settings) -> Result<Engine> {
        let settings = abi::Settings {
            struct_size: abi::size::<abi::Settings>(),
            node: settings.node.as_ptr(),
            socket: settings.socket.as_ptr(),
            journal: settings.journal.as_ptr(),
            pbx: settings.pbx.as_ptr(),
            journal_bytes: 0,
            test_host: 1,
        };
        let mut engine = std::ptr::null_mut();
        let mut message = [0 as c_char; MESSAGE_BYTES];
        // SAFETY: all pointers are valid during the call, and `message` is as long as said. What
        // the vtable's context points at is never freed.
        let code = unsafe {
            (self.new)(
                vtable,
                &settings,
                &mut engine,
                message.as_mut_ptr(),
                message.len(),
            )
        };
        if code != abi::OK {
            // SAFETY: it was zeroed, and the library ends what it writes with a zero.
            let said = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy();
            bail!("{} ({said})", self.describe(code));
        }
        Ok(Engine {
            library: self,
            engine,
        })
    }

    fn describe(&self, code: i32) -> String {
        // SAFETY: takes any number; the text is the library's, is never NULL, and stays.
        unsafe { CStr::from_ptr((self.strerror)(code)) }
            .to_string_lossy()
            .into_owned()
    }
}

/// # Safety
/// `T` is the type of the function that has this name.
unsafe fn symbol<T: Copy>(library: &libloading::Library, name: &CStr) -> Result<T> {
    // SAFETY: the caller's promise is ours.
    unsafe { library.get::<T>(name.to_bytes_with_nul()) }
        .map(|symbol| *symbol)
        .with_context(|| format!("{name:?} is missing in the library"))
}

/// An engine. It is freed only by [`Engine::free`].
pub struct Engine {
    library: Library,
    engine: *mut c_void,
}

// SAFETY: the header allows each function that is used here from any thread, but for `outdial_free`,
// which `Engine::free` gives to the last owner only.
unsafe impl Send for Engine {}
// SAFETY: as above.
unsafe impl Sync for Engine {}

impl Engine {
    /// Starts its threads.
    ///
    /// # Errors
    /// What the library says.
    pub fn start(&self) -> Result<()> {
        // SAFETY: the engine is not freed while this value lives; so in all functions below.
        let code = unsafe { (self.library.start)(self.engine) };
        self.result("outdial_start", code)
    }

    /// Stops dialing.
    ///
    /// # Errors
    /// What the library says.
    pub fn drain(&self) -> Result<()> {
        // SAFETY: see `start`.
        let code = unsafe { (self.library.drain)(self.engine, 1) };
        self.result("outdial_drain", code)
    }

    /// Ends its threads.
    ///
    /// # Errors
    /// They don't end in time.
    pub fn stop(&self, timeout_ms: u32) -> Result<()> {
        // SAFETY: see `start`.
        let code = unsafe { (self.library.stop)(self.engine, timeout_ms) };
        self.result("outdial_stop", code)
    }

    /// Closes the journal, whatever else goes on.
    ///
    /// # Errors
    /// The disk does not answer in time.
    pub fn seal(&self) -> Result<()> {
        // SAFETY: see `start`.
        let code = unsafe { (self.library.seal)(self.engine) };
        self.result("outdial_seal", code)
    }

    /// Frees it.
    pub fn free(self) {
        // SAFETY: this was the only owner; no call is under way.
        unsafe { (self.library.free)(self.engine) };
    }

    /// Tells it what happened; gives the library's answer.
    pub fn post(&self, event: &Event) -> i32 {
        let text = |text: &CString| match text.is_empty() {
            true => std::ptr::null(),
            false => text.as_ptr(),
        };
        let event = abi::Event {
            struct_size: abi::size::<abi::Event>(),
            kind: event.kind,
            id: text(&event.id),
            other: text(&event.other),
            request: event.request,
            value: event.value,
            sip_status: event.sip_status,
            q850: event.q850,
        };
        // SAFETY: see `start`; the texts live through the call.
        unsafe { (self.library.post)(self.engine, &event) }
    }

    /// Its counters.
    pub fn stats(&self) -> abi::Stats {
        let mut stats = abi::Stats {
            struct_size: abi::size::<abi::Stats>(),
            ..abi::Stats::default()
        };
        // SAFETY: see `start`; `stats` has the room that it says. It fails for a bad argument only.
        let _ = unsafe { (self.library.stats)(self.engine, &mut stats) };
        stats
    }

    /// Age of the pump's last turn.
    pub fn heartbeat_age_ms(&self) -> u64 {
        // SAFETY: see `start`.
        unsafe { (self.library.heartbeat_age)(self.engine) }
    }

    /// The library's words for a code.
    pub fn describe(&self, code: i32) -> String {
        self.library.describe(code)
    }

    fn result(&self, what: &str, code: i32) -> Result<()> {
        if code == abi::OK {
            return Ok(());
        }
        bail!("{what}: {}", self.describe(code))
    }
}
