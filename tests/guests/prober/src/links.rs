//! Attempts with links and bare descriptors, for which the standard library has no words.

use toolbay_sdk::prelude::*;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};

use crate::{Outcome, outcome};

/// The descriptor of a mount.
fn mount(name: &str) -> Result<Descriptor, String> {
    get_directories()
        .into_iter()
        .find_map(|(descriptor, path)| (path == name).then_some(descriptor))
        .ok_or_else(|| format!("there is no {name}"))
}

/// Opens a path in a mount and reads it, exactly as it is written.
pub(crate) fn open_raw(mount_name: &str, path: &str) -> Outcome {
    let read = || -> Result<String, String> {
        let (flags, none) = (DescriptorFlags::READ, OpenFlags::empty());
        let file = mount(mount_name)?
            .open_at(PathFlags::SYMLINK_FOLLOW, path, none, flags)
            .map_err(|code| code.name().to_owned())?;
        let (bytes, _) = file.read(1000, 0).map_err(|code| code.name().to_owned())?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().into()
}

/// Makes a symbolic link in the vault.
#[tool]
pub fn make_link_out(target: &str, path: &str) -> Outcome {
    outcome(mount("/vault").and_then(|vault| {
        vault
            .symlink_at(target, path)
            .map_err(|code| code.name().to_owned())
    }))
}

/// Makes a hard link in the vault to something outside of it, and one outside to something in it.
#[tool]
pub fn make_hard_link_out(outside: &str) -> Outcome {
    let made = || -> Result<(), String> {
        let vault = mount("/vault")?;
        let none = PathFlags::empty();
        let stolen = vault.link_at(none, outside, &vault, "stolen");
        let placed = vault.link_at(none, "file", &vault, outside);
        stolen.or(placed).map_err(|code| code.name().to_owned())
    };
    outcome(made())
}

/// Makes a hard link from one mount to the other.
#[tool]
pub fn hard_link_between_mounts() -> Outcome {
    let made = || -> Result<(), String> {
        let (vault, other) = (mount("/vault")?, mount("/other")?);
        vault
            .link_at(PathFlags::empty(), "file", &other, "joined")
            .map_err(|code| code.name().to_owned())
    };
    outcome(made())
}
