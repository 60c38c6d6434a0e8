//! Which real folders may be bound to a mount. A plugin that could read or write the places refused here could grant itself more, run code outside
//! its sandbox, or take what other programs keep as their keys. Asked when a person grants, and again when the catalog is built.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use crate::config::Config;
use crate::text::escape;

mod places;

/// Places that no mount may reach.
#[derive(Debug, Clone)]
pub(crate) struct Forbidden {
    home: Option<PathBuf>,
    own: OwnFolders,
    /// Looked up when somebody first asks: most hosts bind no folder.
    places: OnceLock<Vec<Place>>,
}

/// The host's own folders.
#[derive(Debug, Clone, Default)]
struct OwnFolders {
    settings: PathBuf,
    state: PathBuf,
    cache: PathBuf,
    plugins: Vec<PathBuf>,
}

/// One of them. What contains it is refused too.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    /// What it is, as the end of `it is …`.
    what: &'static str,
    below: Below,
}

/// Whether what lies in a place is refused as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    Refused,
    Allowed,
}

/// Why a folder cannot be bound.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BindingError {
    #[error("`{}` begins with `~`, and no home folder is known", shown(.0))]
    NoHome(PathBuf),
    #[error("`{}` names another user's home folder", shown(.0))]
    OtherHome(PathBuf),
    #[error("the folder {} does not exist", shown(.0))]
    Missing(PathBuf),
    #[error("{} is not a folder", shown(.0))]
    NotAFolder(PathBuf),
    #[error("the folder {} cannot be looked at: {why}", shown(.folder))]
    Unreadable { folder: PathBuf, why: String },
    #[error("the folder {} cannot be bound: it is {what}", shown(.folder))]
    Is { folder: PathBuf, what: &'static str },
    #[error("the folder {} cannot be bound: it contains {what} ({})", shown(.folder), shown(.place))]
    Contains {
        folder: PathBuf,
        what: &'static str,
        place: PathBuf,
    },
    #[error("the folder {} cannot be bound: it lies in {what} ({})", shown(.folder), shown(.place))]
    LiesIn {
        folder: PathBuf,
        what: &'static str,
        place: PathBuf,
    },
}

fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}

impl BindingError {
    /// What to do instead.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NoHome(_) => "write the whole path".to_owned(),
            Self::OtherHome(_) => "write the whole path, or `~/` for your own".to_owned(),
            Self::Missing(folder) => format!("make it first: mkdir -p '{}'", shown(folder)),
            Self::NotAFolder(_) => "name the folder that it lies in".to_owned(),
            Self::Unreadable { .. } => "choose a folder that you can open".to_owned(),
            Self::Is { .. } | Self::Contains { .. } => {
                "choose a folder that holds only what the plugin is for, such as ~/Notes".to_owned()
            }
            Self::LiesIn { place, .. } => {
                format!("choose a folder outside of {}", shown(place))
            }
        }
    }
}

/// The real path of a folder that may be bound: absolute, without links and `..` in it.
///
/// # Errors
///
/// Says why it may not be bound.
pub(crate) fn check(folder: &Path, forbidden: &Forbidden) -> Result<PathBuf, BindingError> {
    let folder = expand(folder, forbidden.home.as_deref())?;
    let real = fs::canonicalize(&folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => BindingError::Missing(folder.clone()),
        io::ErrorKind::NotADirectory => BindingError::NotAFolder(folder.clone()),
        _ => BindingError::Unreadable {
            folder: folder.clone(),
            why: error.to_string(),
        },
    })?;
    if !real.is_dir() {
        return Err(BindingError::NotAFolder(folder));
    }
    if real.parent().is_none() {
        return Err(BindingError::Is {
            folder: real,
            what: "the whole file system",
        });
    }
    let above = identities(&real);
    for place in forbidden.places() {
        place.refuse(&real, &above)?;
    }
    Ok(real)
}

fn expand(folder: &Path, home: Option<&Path>) -> Result<PathBuf, BindingError> {
    let mut components = folder.components();
    let Some(Component::Normal(first)) = components.next() else {
        return Ok(folder.to_owned());
    };
    if first == "~" {
        let home = home.ok_or_else(|| BindingError::NoHome(folder.to_owned()))?;
        return Ok(home.join(components.as_path()));
    }
    if first.to_string_lossy().starts_with('~') {
        return Err(BindingError::OtherHome(folder.to_owned()));
    }
    Ok(folder.to_owned())
}

impl Forbidden {
    /// All that this host knows of: the system's own places, the keys in the user's home folder, and the host's own.
    pub(crate) fn of(config: &Config) -> Self {
        let home = directories::BaseDirs::new().map(|folders| folders.home_dir().to_owned());
        Self {
            home,
            own: OwnFolders {
                settings: config.settings.clone(),
                state: config.state.clone(),
                cache: config.cache.clone(),
                plugins: config.folders.clone(),
            },
            places: OnceLock::new(),
        }
    }

    fn places(&self) -> &[Place] {
        self.places
            .get_or_init(|| places::all(&self.own, self.home.as_deref()))
    }
}

impl Place {
    fn new(path: &Path, what: &'static str, below: Below) -> Self {
        Self {
            path: settle(path),
            what,
            below,
        }
    }

    /// Refuses a folder that is this place, contains it, or lies in it. `above` are the folder and what it lies in, by identity: a folder can have
    /// several paths, on a file system that does not tell capitals apart or is mounted twice.
    fn refuse(&self, folder: &Path, above: &[Identity]) -> Result<(), BindingError> {
        let around = identities(&self.path);
        let (own, folder_own) = (identity(&self.path), identity(folder));
        let is = folder == self.path || (own.is_some() && own == folder_own);
        if is {
            return Err(BindingError::Is {
                folder: folder.to_owned(),
                what: self.what,
            });
        }
        if self.path.starts_with(folder) || folder_own.is_some_and(|own| around.contains(&own)) {
            return Err(BindingError::Contains {
                folder: folder.to_owned(),
                what: self.what,
                place: self.path.clone(),
            });
        }
        let lies_in = folder.starts_with(&self.path) || own.is_some_and(|own| above.contains(&own));
        if lies_in && self.below == Below::Refused {
            return Err(BindingError::LiesIn {
                folder: folder.to_owned(),
                what: self.what,
                place: self.path.clone(),
            });
        }
        Ok(())
    }
}

/// What makes a folder the same by whatever path it is reached.
type Identity = (u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    let of = |metadata: Metadata| (metadata.dev(), metadata.ino());
    fs::metadata(path).ok().map(of)
}

/// A folder's and those of what it lies in.
fn identities(path: &Path) -> Vec<Identity> {
    path.ancestors().filter_map(identity).collect()
}

/// The real path of a place, as far as it exists. The host makes some of its folders only when it needs them.
fn settle(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        let Ok(mut real) = fs::canonicalize(existing) else {
            continue;
        };
        for component in path
            .strip_prefix(existing)
            .map(Path::components)
            .into_iter()
            .flatten()
        {
            match component {
                Component::ParentDir => {
                    real.pop();
                }
                Component::Normal(name) => real.push(name),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        return real;
    }
    path.to_owned()
}

#[cfg(test)]
mod tests;
