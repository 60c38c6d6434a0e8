//! The Secret Service of the session's D-Bus, which GNOME Keyring, KWallet, KeePassXC and others offer.
//! <https://specifications.freedesktop.org/secret-service/latest/>
//!
//! A secret crosses the bus as it is: only processes of the same user can listen there, and they could ask the keyring themselves.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use zbus::message::Type;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, Message, MessageStream, connection};
use zeroize::{Zeroize, Zeroizing};

use super::{ANSWER, DIALOG, KeyringError};
use crate::text::{escape, shorten};

/// How long the bus may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);

const SERVICE_NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// What the service says instead of a path where there is none.
const NONE: &str = "/";

/// The attributes by which our items are found.
const APPLICATION: (&str, &str) = ("application", "toolbay");
const PLUGIN: &str = "plugin";
const SECRET: &str = "secret";

/// A secret as it crosses the bus: session, parameters of its encryption, value, media type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

pub(in crate::secrets) fn get(
    plugin: &str,
    name: &str,
) -> Result<Option<Zeroizing<String>>, KeyringError> {
    let attributes = attributes(plugin, name);
    run(ANSWER, async |bus| {
        let (unlocked, locked) = bus.search(&attributes).await?;
        if let Some(item) = unlocked.first() {
            return bus.secret(item).await.map(Some);
        }
        // A locked collection may show its items and may not.
        if !locked.is_empty() || bus.is_default_locked().await? {
            return Err(KeyringError::Locked);
        }
        Ok(None)
    })
}

pub(in crate::secrets) fn set(plugin: &str, name: &str, value: &str) -> Result<(), KeyringError> {
    let attributes = attributes(plugin, name);
    let label = format!("Toolbay: {name} of plugin {plugin}");
    let value = Zeroizing::new(value.to_owned());
    run(ANSWER * 4 + DIALOG, async |bus| {
        let collection = bus.default_collection().await?.ok_or(KeyringError::Empty)?;
        bus.unlock(&collection).await?;
        let session = bus.session().await?;
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::from(attributes),
            ),
        ]);
        let mut secret: Secret = (
            session,
            Vec::new(),
            value.as_bytes().to_vec(),
            "text/plain".into(),
        );
        let replace = true;
        let created = bus
            .call(
                collection.as_str(),
                COLLECTION,
                "CreateItem",
                &(properties, &secret, replace),
            )
            .await;
        secret.2.zeroize();
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = body(&created?)?;
        bus.prompt(&prompt).await
    })
}

/// Says whether it was there.
pub(in crate::secrets) fn remove(plugin: &str, name: &str) -> Result<bool, KeyringError> {
    let attributes = attributes(plugin, name);
    run(ANSWER * 4 + DIALOG, async |bus| {
        let (mut unlocked, mut locked) = bus.search(&attributes).await?;
        if unlocked.is_empty()
            && locked.is_empty()
            && let Some(collection) = bus.default_collection().await?
            && bus.is_locked(&collection).await?
        {
            // It may not have shown what it holds.
            bus.unlock(&collection).await?;
            (unlocked, locked) = bus.search(&attributes).await?;
        }
        for item in &locked {
            bus.unlock(item).await?;
        }
        for item in unlocked.iter().chain(&locked) {
            let deleted = bus.call(item.as_str(), ITEM, "Delete", &()).await?;
            bus.prompt(&body(&deleted)?).await?;
        }
        Ok(!unlocked.is_empty() || !locked.is_empty())
    })
}

/// Plugin and name of each.
pub(in crate::secrets) fn list() -> Result<Vec<(String, String)>, KeyringError> {
    run(ANSWER, async |bus| {
        let (unlocked, locked) = bus.search(&HashMap::from([APPLICATION])).await?;
        if !locked.is_empty() || bus.is_default_locked().await? {
            return Err(KeyringError::Locked);
        }
        let mut names = Vec::new();
        for item in unlocked {
            let mut attributes: HashMap<String, String> =
                bus.property(&item, ITEM, "Attributes").await?;
            if let (Some(plugin), Some(name)) =
                (attributes.remove(PLUGIN), attributes.remove(SECRET))
            {
                names.push((plugin, name));
            }
        }
        Ok(names)
    })
}

fn attributes<'a>(plugin: &'a str, name: &'a str) -> HashMap<&'a str, &'a str> {
    HashMap::from([APPLICATION, (PLUGIN, plugin), (SECRET, name)])
}

/// Runs one conversation with the service, on a connection and a thread of its own: it may be started from anywhere, and when its time is up nothing of
/// it is left.
fn run<T: Send>(
    limit: Duration,
    conversation: impl AsyncFnOnce(Bus) -> Result<T, KeyringError> + Send,
) -> Result<T, KeyringError> {
    let broken = |error: std::io::Error| KeyringError::Failed(error.to_string());
    let talk = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(broken)?;
        let talk = async {
            let bus = tokio::time::timeout(CONNECT, Bus::connect())
                .await
                .map_err(|_| KeyringError::TimedOut)??;
            conversation(bus).await
        };
        let outcome = runtime.block_on(async { tokio::time::timeout(limit, talk).await });
        outcome.unwrap_or(Err(KeyringError::TimedOut))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("toolbay-keyring".into())
            .spawn_scoped(scope, talk)
            .map_err(broken)?;
        thread
            .join()
            .unwrap_or_else(|_| Err(KeyringError::Failed("talking to it failed".into())))
    })
}

/// A connection to the session's bus.
struct Bus(Connection);

impl Bus {
    async fn connect() -> Result<Self, KeyringError> {
        let connect = async {
            connection::Builder::session()?
                .method_timeout(ANSWER)
                .build()
                .await
        };
        match connect.await {
            Ok(connection) => Ok(Self(connection)),
            Err(zbus::Error::Connection(error, _) | zbus::Error::InputOutput(error)) => Err(
                KeyringError::Absent(format!("no session bus ({})", error.kind())),
            ),
            Err(zbus::Error::Address(_) | zbus::Error::Unsupported) => Err(KeyringError::Absent(
                "the session bus has an address that is not understood".into(),
            )),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn call(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + DynamicType),
    ) -> Result<Message, KeyringError> {
        self.0
            .call_method(Some(SERVICE_NAME), path, Some(interface), method, arguments)
            .await
            .map_err(|error| failed(&error))
    }

    async fn property<T>(
        &self,
        of: &OwnedObjectPath,
        interface: &str,
        name: &str,
    ) -> Result<T, KeyringError>
    where
        T: TryFrom<OwnedValue>,
    {
        let answer = self
            .call(of.as_str(), PROPERTIES, "Get", &(interface, name))
            .await?;
        T::try_from(body::<OwnedValue>(&answer)?)
            .map_err(|_| KeyringError::Failed(format!("its property {name} has another type")))
    }

    /// The items with these attributes: unlocked ones, locked ones.
    async fn search(
        &self,
        attributes: &HashMap<&str, &str>,
    ) -> Result<(Vec<OwnedObjectPath>, Vec<OwnedObjectPath>), KeyringError> {
        body(
            &self
                .call(SERVICE_PATH, SERVICE, "SearchItems", &(attributes,))
                .await?,
        )
    }

    async fn default_collection(&self) -> Result<Option<OwnedObjectPath>, KeyringError> {
        let answer = self
            .call(SERVICE_PATH, SERVICE, "ReadAlias", &("default",))
            .await?;
        let path: OwnedObjectPath = body(&answer)?;
        Ok((path.as_str() != NONE).then_some(path))
    }

    async fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, KeyringError> {
        self.property(collection, COLLECTION, "Locked").await
    }

    async fn is_default_locked(&self) -> Result<bool, KeyringError> {
        match self.default_collection().await? {
            Some(collection) => self.is_locked(&collection).await,
            None => Ok(false),
        }
    }

    async fn session(&self) -> Result<OwnedObjectPath, KeyringError> {
        let arguments = ("plain", Value::from(""));
        let answer = self
            .call(SERVICE_PATH, SERVICE, "OpenSession", &arguments)
            .await?;
        let (_, session): (OwnedValue, OwnedObjectPath) = body(&answer)?;
        Ok(session)
    }

    async fn secret(&self, item: &OwnedObjectPath) -> Result<Zeroizing<String>, KeyringError> {
        let session = self.session().await?;
        let answer = self
            .call(item.as_str(), ITEM, "GetSecret", &(session,))
            .await?;
        let ((_, _, value, _),): (Secret,) = body(&answer)?;
        let text = String::from_utf8(value).map_err(|error| {
            error.into_bytes().zeroize();
            KeyringError::Failed("what it has under this name is no text".into())
        })?;
        Ok(Zeroizing::new(text))
    }

    /// Unlocks a collection or an item, by the keyring's own dialog if need be.
    async fn unlock(&self, object: &OwnedObjectPath) -> Result<(), KeyringError> {
        let answer = self
            .call(SERVICE_PATH, SERVICE, "Unlock", &(vec![object],))
            .await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = body(&answer)?;
        self.prompt(&prompt).await
    }

    /// Shows the dialog that the keyring asks for, if it does, and waits for its end.
    async fn prompt(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        if prompt.as_str() == NONE {
            return Ok(());
        }
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(PROMPT)
            .and_then(|rule| rule.member("Completed"))
            .and_then(|rule| rule.path(prompt.as_str()))
            .map_err(|error| failed(&error))?
            .build();
        let mut signals = MessageStream::for_match_rule(rule, &self.0, None)
            .await
            .map_err(|error| failed(&error))?;
        let no_window = "";
        self.call(prompt.as_str(), PROMPT, "Prompt", &(no_window,))
            .await?;
        match tokio::time::timeout(DIALOG, signals.next()).await {
            Ok(Some(Ok(signal))) => {
                let (dismissed, _): (bool, OwnedValue) = body(&signal)?;
                if dismissed {
                    return Err(KeyringError::NotUnlocked);
                }
                Ok(())
            }
            Ok(Some(Err(error))) => Err(failed(&error)),
            Ok(None) => Err(KeyringError::Failed("the session bus is gone".into())),
            Err(_) => {
                let _ = self.call(prompt.as_str(), PROMPT, "Dismiss", &()).await;
                Err(KeyringError::NotUnlocked)
            }
        }
    }
}

fn body<T>(message: &Message) -> Result<T, KeyringError>
where
    T: serde::de::DeserializeOwned + zbus::zvariant::Type,
{
    message.body().deserialize().map_err(|error| failed(&error))
}

/// What went wrong, told apart by the names that D-Bus and the service give to errors.
fn failed(error: &zbus::Error) -> KeyringError {
    if let zbus::Error::MethodError(name, _, _) = error {
        match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => {
                return KeyringError::Absent("the session has no Secret Service".into());
            }
            "org.freedesktop.Secret.Error.IsLocked" => return KeyringError::Locked,
            "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => {
                return KeyringError::TimedOut;
            }
            _ => {}
        }
    }
    match error {
        zbus::Error::InputOutput(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            KeyringError::TimedOut
        }
        _ => KeyringError::Failed(shorten(&escape(&error.to_string()), 200)),
    }
}
