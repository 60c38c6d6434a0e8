use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A little machine below a temporary folder: a home with keys in it, and the host's own folders.
struct Machine {
    root: PathBuf,
    forbidden: Forbidden,
    _folder: TempDir,
}

const FOLDERS: &[&str] = &[
    "home/u/.ssh/deep",
    "home/u/.config/app",
    "home/u/Notes/sub",
    "home/u/plugins",
    "home/u/stuff/state",
    "system/etc",
    "elsewhere",
];

/// The places of the little machine, and whether what lies in them may be bound.
const PLACES: &[(&str, Below)] = &[
    ("home/u", Below::Allowed),
    ("home/u/.ssh", Below::Refused),
    ("home/u/.config", Below::Allowed),
    ("home/u/plugins", Below::Refused),
    ("home/u/stuff/state", Below::Refused),
    ("home/u/cache/not/yet/there", Below::Refused),
    ("system", Below::Refused),
];

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        for path in FOLDERS {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("home/u/Notes/file"), "x").unwrap();
        symlink("../.ssh", root.join("home/u/Notes/keys")).unwrap();
        symlink("home/u", root.join("alias")).unwrap();
        symlink("/", root.join("elsewhere/all")).unwrap();
        symlink("../home/u/Notes", root.join("elsewhere/notes")).unwrap();
        symlink("loop", root.join("elsewhere/loop")).unwrap();
        let places = PLACES
            .iter()
            .map(|(path, below)| Place::new(&root.join(path), "such a place", *below));
        let forbidden = Forbidden {
            home: Some(root.join("home/u")),
            own: super::OwnFolders::default(),
            places: places.collect::<Vec<_>>().into(),
        };
        Self {
            root,
            forbidden,
            _folder: folder,
        }
    }

    fn check(&self, path: &str) -> Result<PathBuf, BindingError> {
        let path = if path.starts_with('~') || path.starts_with('/') {
            PathBuf::from(path)
        } else {
            self.root.join(path)
        };
        check(&path, &self.forbidden)
    }
}

#[test]
fn folders_that_may_be_bound() {
    let machine = Machine::new();
    for (path, real) in [
        ("~/Notes", "home/u/Notes"),
        ("~/Notes/../Notes/sub", "home/u/Notes/sub"),
        ("home/u/Notes/", "home/u/Notes"),
        ("alias/Notes", "home/u/Notes"),
        ("elsewhere", "elsewhere"),
        ("elsewhere/notes", "home/u/Notes"),
        ("home/u/.config/app", "home/u/.config/app"),
    ] {
        assert_eq!(machine.check(path), Ok(machine.root.join(real)), "{path}");
    }
}

#[test]
fn folders_that_may_not() {
    let machine = Machine::new();
    let cases = [
        "/",
        "elsewhere/all",
        "~",
        "~/",
        "alias",
        "home",
        "~/.ssh",
        "~/.ssh/deep",
        "~/Notes/keys",
        "~/Notes/keys/deep",
        "~/.config",
        "~/plugins",
        "~/stuff",
        "~/stuff/state",
        "system/etc",
        "system",
        "",
        "~/Notes/file",
        "~/Notes/file/x",
        "~/Notes/none",
        "elsewhere/loop",
        "~other/Notes",
    ];
    let said = cases.map(|path| match machine.check(path) {
        Ok(real) => format!("{path:?} may be bound as {}", real.display()),
        Err(error) => format!("{path:?}: {error}\n    hint: {}", error.hint()),
    });
    let said = said
        .join("\n")
        .replace(&machine.root.display().to_string(), "[root]");
    insta::assert_snapshot!(said, @r#"
    "/": the folder / cannot be bound: it is the whole file system
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "elsewhere/all": the folder / cannot be bound: it is the whole file system
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~": the folder [root]/home/u cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/": the folder [root]/home/u cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "alias": the folder [root]/home/u cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "home": the folder [root]/home cannot be bound: it contains such a place ([root]/home/u)
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/.ssh": the folder [root]/home/u/.ssh cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/.ssh/deep": the folder [root]/home/u/.ssh/deep cannot be bound: it lies in such a place ([root]/home/u/.ssh)
        hint: choose a folder outside of [root]/home/u/.ssh
    "~/Notes/keys": the folder [root]/home/u/.ssh cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/Notes/keys/deep": the folder [root]/home/u/.ssh/deep cannot be bound: it lies in such a place ([root]/home/u/.ssh)
        hint: choose a folder outside of [root]/home/u/.ssh
    "~/.config": the folder [root]/home/u/.config cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/plugins": the folder [root]/home/u/plugins cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/stuff": the folder [root]/home/u/stuff cannot be bound: it contains such a place ([root]/home/u/stuff/state)
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/stuff/state": the folder [root]/home/u/stuff/state cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "system/etc": the folder [root]/system/etc cannot be bound: it lies in such a place ([root]/system)
        hint: choose a folder outside of [root]/system
    "system": the folder [root]/system cannot be bound: it is such a place
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "": the folder [root] cannot be bound: it contains such a place ([root]/home/u)
        hint: choose a folder that holds only what the plugin is for, such as ~/Notes
    "~/Notes/file": [root]/home/u/Notes/file is not a folder
        hint: name the folder that it lies in
    "~/Notes/file/x": [root]/home/u/Notes/file/x is not a folder
        hint: name the folder that it lies in
    "~/Notes/none": the folder [root]/home/u/Notes/none does not exist
        hint: make it first: mkdir -p '[root]/home/u/Notes/none'
    "elsewhere/loop": the folder [root]/elsewhere/loop cannot be looked at: Too many levels of symbolic links (os error 40)
        hint: choose a folder that you can open
    "~other/Notes": `~other/Notes` names another user's home folder
        hint: write the whole path, or `~/` for your own
    "#);
}

#[test]
fn without_a_home_there_is_no_tilde() {
    let mut machine = Machine::new();
    machine.forbidden.home = None;
    assert_eq!(
        machine.check("~/Notes"),
        Err(BindingError::NoHome("~/Notes".into()))
    );
}

// A second path to the same folder that is no link, as a disk has that is mounted twice, can only be told by what the folder is. Two places on the
// list stand in for it: identity must find the one by the other's path.
#[test]
fn folders_are_told_by_what_they_are() {
    let machine = Machine::new();
    let place = Place {
        // Not settled, so that no path has it in common with the folder's own.
        path: machine.root.join("alias/.ssh"),
        what: "such a place",
        below: Below::Refused,
    };
    let refused = |path: &str| {
        let folder = machine.root.join(path);
        place.refuse(&folder, &identities(&folder)).is_err()
    };
    assert!(refused("home/u/.ssh"));
    assert!(refused("home/u/.ssh/deep"));
    assert!(refused("home/u"));
    assert!(!refused("home/u/Notes"));
}

#[test]
fn the_hosts_own_folders_are_on_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    let config = Config {
        folders: vec![root.join("plugins")],
        cache: root.join("cache"),
        settings: root.join("settings"),
        state: root.join("state"),
        ..Config::resolve(&[]).unwrap()
    };
    let forbidden = Forbidden::of(&config);
    fs::create_dir_all(root.join("free/inside")).unwrap();
    for name in ["plugins", "cache", "settings", "state"] {
        fs::create_dir_all(root.join(name).join("inside")).unwrap();
        check(&root.join(name), &forbidden).unwrap_err();
        check(&root.join(name).join("inside"), &forbidden).unwrap_err();
    }
    check(&root, &forbidden).unwrap_err();
    check(&root.join("free"), &forbidden).unwrap();
    check(&root.join("free/inside"), &forbidden).unwrap();
    for path in ["/proc", "/proc/self", "/sys", "/dev", "/etc", "/run"] {
        check(Path::new(path), &forbidden).unwrap_err();
    }
    let home = forbidden.home.clone().unwrap();
    check(&home, &forbidden).unwrap_err();
    check(home.parent().unwrap(), &forbidden).unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a path is put together, what may be bound neither is, nor contains, nor lies in a place of the list; and what does none of that
    /// may be bound.
    #[test]
    fn no_path_reaches_a_forbidden_place(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "home", "u", ".ssh", ".config", "app", "deep", "Notes", "sub", "keys", "plugins", "stuff", "state", "system", "etc",
                "elsewhere", "all", "notes", "loop", "alias", "..", ".", "", "file",
            ]),
            0..6,
        ),
        from_home in any::<bool>(),
    ) {
        thread_local!(static MACHINE: Machine = Machine::new());
        MACHINE.with(|machine| {
            let path = format!("{}{}", if from_home { "~/" } else { "" }, parts.join("/"));
            let result = machine.check(path.trim_start_matches('/'));
            let whole = match path.trim_start_matches('/').strip_prefix("~/") {
                Some(rest) => machine.root.join("home/u").join(rest.trim_start_matches('/')),
                None => machine.root.join(path.trim_start_matches('/')),
            };
            let real = fs::canonicalize(&whole).ok().filter(|real| real.is_dir());
            let reaches = real.as_ref().is_some_and(|real| {
                real.parent().is_none() || PLACES.iter().any(|(place, below)| {
                    let place = machine.root.join(place);
                    place.starts_with(real) || (real.starts_with(&place) && *below == Below::Refused)
                })
            });
            match result {
                Ok(bound) => {
                    prop_assert_eq!(Some(&bound), real.as_ref());
                    prop_assert!(!reaches, "{} was bound", bound.display());
                }
                Err(error) => prop_assert!(real.is_none() || reaches, "{path}: {error}"),
            }
            Ok(())
        })?;
    }
}
