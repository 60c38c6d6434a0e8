//! The list of places that no mount may reach. Knows paths alone; what is done with them is `binding`'s.

use std::path::Path;

use super::{Below, OwnFolders, Place};

/// Where the system describes and controls itself.
const SYSTEM: &[&str] = &[
    "/proc",
    "/sys",
    "/dev",
    "/etc",
    "/boot",
    "/System",
    "/Library",
    "/private/etc",
];

/// Where the system keeps what runs, sockets to it, and on some systems the disks that the user plugged in.
const RUNNING: &str = "/run";
const PLUGGED_IN: &str = "media";

/// Where programs keep keys, passwords and sessions, or what they run of themselves, seen from the home folder.
const KEYS: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".pki",
    ".password-store",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".cargo",
    ".mozilla",
    ".thunderbird",
    ".claude",
    ".cursor",
    ".vscode",
    ".local/bin",
    ".local/share/keyrings",
    ".config/autostart",
    ".config/systemd",
    ".config/environment.d",
    ".config/gcloud",
    ".config/gh",
    ".config/git",
    ".config/op",
    ".config/sops",
    ".config/chromium",
    ".config/google-chrome",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/Claude",
    ".config/Code",
    ".config/Cursor",
    "Library/Keychains",
    "Library/LaunchAgents",
    "Library/Cookies",
];

/// Folders that hold such places beside harmless ones, seen from the home folder.
const SETTINGS: &[&str] = &[
    ".config",
    ".local",
    ".local/share",
    "Library",
    "Library/Application Support",
];

pub(super) fn all(own: &OwnFolders, home: Option<&Path>) -> Vec<Place> {
    let mut places = Vec::new();
    if let Some(home) = home {
        places.push(Place::new(home, "your home folder", Below::Allowed));
    }
    let kept = [
        (
            &own.settings,
            "Toolbay's configuration, where grants are kept",
        ),
        (&own.state, "Toolbay's state"),
        (&own.cache, "Toolbay's cache, where compiled code is kept"),
    ];
    for (path, what) in kept {
        places.push(Place::new(path, what, Below::Refused));
    }
    for folder in &own.plugins {
        places.push(Place::new(folder, "a plugin folder", Below::Refused));
    }
    if let Some(program) = std::env::current_exe()
        .ok()
        .as_deref()
        .and_then(Path::parent)
    {
        places.push(Place::new(
            program,
            "the folder of the toolbay program",
            Below::Allowed,
        ));
    }
    for path in SYSTEM {
        places.push(Place::new(
            Path::new(path),
            "a place of the system itself",
            Below::Refused,
        ));
    }
    places.extend(running());
    if let Some(home) = home {
        for path in SETTINGS {
            places.push(Place::new(
                &home.join(path),
                "a place where programs keep their settings",
                Below::Allowed,
            ));
        }
        for path in KEYS {
            places.push(Place::new(
                &home.join(path),
                "a place where programs keep keys",
                Below::Refused,
            ));
        }
    }
    places
}

/// `/run` and what is in it, but for plugged-in disks.
fn running() -> Vec<Place> {
    let mut places = vec![Place::new(
        Path::new(RUNNING),
        "a place of the system itself",
        Below::Allowed,
    )];
    let entries = std::fs::read_dir(RUNNING).into_iter().flatten().flatten();
    for entry in entries {
        let below = if entry.file_name() == PLUGGED_IN {
            Below::Allowed
        } else {
            Below::Refused
        };
        places.push(Place::new(
            &entry.path(),
            "a place of the system itself",
            below,
        ));
    }
    places
}
