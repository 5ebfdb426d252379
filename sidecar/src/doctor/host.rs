//! What can be seen without a running sidecar.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use crate::doctor::Check;
use crate::settings::Settings;

/// Less free space than this is remarkable.
const FREE_MB: u64 = 1_000;

/// Sockets, disk, time zone data.
pub fn host_checks(settings: &Settings) -> Vec<Check> {
    let mut checks = vec![
        socket("link socket", &settings.link_socket(), settings),
        socket("control socket", &settings.control_socket(), settings),
        disk(&settings.data_dir),
    ];
    checks.push(
        if crate::windows::is_zone("America/Sao_Paulo") && Path::new("/usr/share/zoneinfo").is_dir()
        {
            Check::good("time zone data", "installed on this host")
        } else {
            Check::bad(
                "time zone data",
                "not installed; the copy built into outdial is used, which ages",
                "apt install tzdata",
            )
        },
    );
    checks
}

fn socket(name: &str, path: &Path, settings: &Settings) -> Check {
    let start = "start the sidecar: systemctl start outdial, or outdial serve";
    let Ok(found) = std::fs::metadata(path) else {
        return Check::bad(name, format!("{} does not exist", path.display()), start);
    };
    if !found.file_type().is_socket() {
        return Check::bad(
            name,
            format!("{} is no socket", path.display()),
            "remove that file and restart the sidecar",
        );
    }
    let mode = found.permissions().mode() & 0o777;
    let shown = format!(
        "{} mode {mode:o} uid {} gid {}",
        path.display(),
        found.uid(),
        found.gid()
    );
    let wanted = settings
        .socket_group
        .as_deref()
        .and_then(|group| nix::unistd::Group::from_name(group).ok().flatten());
    let group_fits = wanted.is_none_or(|group| group.gid.as_raw() == found.gid());
    if mode == 0o660 && group_fits {
        Check::good(name, shown)
    } else {
        Check::bad(
            name,
            shown,
            "restart the sidecar: it sets mode 0660 and the group (socket_group)",
        )
    }
}

fn disk(dir: &Path) -> Check {
    match nix::sys::statvfs::statvfs(dir) {
        Err(error) => Check::bad(
            "disk",
            format!("{}: {error}", dir.display()),
            "the data folder must exist and be readable (setting data_dir)",
        ),
        Ok(stat) => {
            let free_mb = stat.blocks_available().saturating_mul(stat.fragment_size()) / 1_000_000;
            let found = format!("{free_mb} MB free at {}", dir.display());
            if free_mb >= FREE_MB {
                Check::good("disk", found)
            } else {
                Check::bad("disk", found, "free some space: results and leads need it")
            }
        }
    }
}
