//! Tools under test in the real sandbox, from an ordinary `cargo test`: what the test grants, a clock and servers of the test's own, and the answers as a
//! client gets them. Only natively: a component has none of this.
//!
//! ```no_run
//! use toolbay_sdk::serde_json::json;
//! use toolbay_sdk::testing;
//!
//! # fn main() {
//! // In `tests/sandbox.rs`, as the body of a `#[test]` function.
//! let mut weather = testing::plugin()
//!     .http("https://api.open-meteo.com", |request: testing::Request| {
//!         assert_eq!(request.query("latitude").as_deref(), Some("52.5"));
//!         testing::Response::json(json!({"current": {"temperature_2m": 3.5}}))
//!     })
//!     .start();
//!
//! let outcome = weather.call("current", json!({"latitude": 52.5, "longitude": 13.4}));
//! assert_eq!(outcome.structured(), Some(&json!({"temperature": 3.5})));
//! assert_eq!(weather.requests().len(), 1);
//! # }
//! ```
//!
//! `toolbay test` builds the component and runs `cargo test` with it. Where `cargo test` is run directly, the component is built by `toolbay build`, once in a
//! process. Functions that reach nothing outside are tested faster by calling them: they are ordinary functions.
//!
//! # What a plugin gets in a test
//! Everything that its `plugin.toml` asks for is granted, unless the test says otherwise ([`Builder::grant_nothing`], [`Builder::grant_hosts`]), but there is
//! nothing of this machine behind it:
//! - requests are answered by the test ([`Builder::http`]); one to any other origin fails the test, and no name is looked up;
//! - mounts are the folders that the test binds ([`Builder::mount`], [`Builder::mount_with`]);
//! - environment variables and secrets are those that the test sets; key-value state begins empty;
//! - the time is the real one unless the test sets it ([`Builder::clock`]).
//!
//! TCP connections, which a plugin may ask for with `tcp`, do go out.
//!
//! # Where things come from
//! | variable | |
//! |---|---|
//! | `TOOLBAY_BIN` | the program `toolbay`; without it, the one on the `PATH` |
//! | `TOOLBAY_TEST_COMPONENT` | the component's file; without it, it is built |
//! | `TOOLBAY_TEST_COMPONENTS` | a folder with components of several packages, each as `PACKAGE.wasm` |
//!
//! Each started plugin has a `toolbay serve` of its own, with its own configuration and state in a temporary folder; compiled components come from the cache that
//! all share. It ends with the test. What the tool logged is shown when the test fails.

mod child;
mod component;
mod folder;
mod message;
mod outcome;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use self::child::Child;
use self::component::{Component, Program, Source};
use self::folder::Folder;
pub use self::message::{Request, Response};
pub use self::outcome::Outcome;
use self::server::Server;

/// How long an answer is waited for where nothing else is said.
const LIMIT: Duration = Duration::from_secs(60);

/// A test of this crate's own plugin, to be told what the plugin is to see and then [started](Builder::start).
///
/// ```no_run
/// use toolbay_sdk::{serde_json::json, testing};
///
/// let mut adder = testing::plugin().start();
/// assert_eq!(adder.call("add", json!({"a": 1, "b": 2})).value::<f64>(), 3.0);
/// ```
///
/// Where there is no component and none can be built, [`Builder::start`] panics and says what to do.
pub fn plugin() -> Builder {
    Builder::new(Source::ThisCrate)
}

/// A test of any component, such as one that another build has made.
///
/// ```no_run
/// # use toolbay_sdk::testing;
/// let adder = testing::component("target/adder.wasm").start();
/// ```
///
/// Where the file is no plugin, [`Builder::start`] panics and says why.
pub fn component(file: impl Into<PathBuf>) -> Builder {
    Builder::new(Source::File(file.into()))
}

/// What a plugin is to see in a test.
///
/// ```no_run
/// use toolbay_sdk::testing::{self, Builder};
///
/// /// What all tests of this plugin begin with.
/// fn weather() -> Builder {
///     testing::plugin().env("REGION", "eu").clock("2026-01-01T12:00:00Z")
/// }
/// ```
#[must_use = "a plugin does nothing until it is started"]
pub struct Builder {
    source: Source,
    program: Program,
    cache: Option<PathBuf>,
    folder: Folder,
    servers: Vec<Server>,
    mounts: Vec<(String, PathBuf)>,
    variables: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
    clock: Option<String>,
    hosts: Option<Vec<String>>,
    grants: bool,
    limit: Duration,
}

impl Builder {
    fn new(source: Source) -> Self {
        Self {
            source,
            program: Program::usual(),
            cache: None,
            folder: Folder::new(),
            servers: Vec::new(),
            mounts: Vec::new(),
            variables: Vec::new(),
            secrets: Vec::new(),
            clock: None,
            hosts: None,
            grants: true,
            limit: LIMIT,
        }
    }

    /// Answers the requests to an origin, such as `https://api.example.com` or `http://localhost:8080`, in place of whoever is there.
    ///
    /// The host still checks each request as ever, so one that `plugin.toml` does not ask for never gets here. What the closure panics with fails the test.
    ///
    /// ```no_run
    /// use toolbay_sdk::testing::{self, Request, Response};
    ///
    /// let weather = testing::plugin()
    ///     .http("https://api.example.com", |request: Request| match request.path() {
    ///         "/v1/weather" => Response::text("sunny"),
    ///         _ => Response::status(404),
    ///     })
    ///     .start();
    /// ```
    pub fn http(
        mut self,
        origin: impl Into<String>,
        answer: impl FnMut(Request) -> Response + Send + 'static,
    ) -> Self {
        self.servers.push(Server::start(origin.into(), answer));
        self
    }

    /// Binds a folder to a mount of the plugin's.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let notes = testing::plugin().mount("vault", "tests/vault").start();
    /// ```
    ///
    /// # Panics
    /// Where there is no such folder.
    #[track_caller]
    pub fn mount(mut self, name: impl Into<String>, folder: impl AsRef<Path>) -> Self {
        let (name, folder) = (name.into(), folder.as_ref());
        match folder.canonicalize() {
            Ok(path) if path.is_dir() => self.mounts.push((name, path)),
            _ => panic!(
                "there is no folder {} for the mount `{name}`",
                folder.display()
            ),
        }
        self
    }

    /// Binds an empty folder to a mount of the plugin's; [`Running::folder`] tells where it is, to put something into it. It goes with the test.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut notes = testing::plugin().temporary_mount("vault").start();
    /// std::fs::write(notes.folder("vault").join("a.md"), "milk").unwrap();
    /// notes.call("read", json!({"note": "a.md"})).expect_success();
    /// ```
    #[track_caller]
    pub fn temporary_mount(self, name: impl Into<String>) -> Self {
        let none: [(&str, &str); 0] = [];
        self.mount_with(name, none)
    }

    /// Binds a folder with these files to a mount of the plugin's: paths from the folder on, and what is in them. It goes with the test.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let notes = testing::plugin().mount_with("vault", [("a.md", "milk"), ("2026/b.md", "honey")]).start();
    /// ```
    ///
    /// # Panics
    /// Where a path leads out of the folder, or a file cannot be written.
    #[track_caller]
    pub fn mount_with<P: AsRef<str>, C: AsRef<[u8]>>(
        self,
        name: impl Into<String>,
        files: impl IntoIterator<Item = (P, C)>,
    ) -> Self {
        let name = name.into();
        let folder = self.folder.make(&format!("mounts/{name}"));
        let mount = crate::Mount::at(&folder);
        for (path, content) in files {
            if let Err(error) = mount.write(path.as_ref(), content) {
                panic!("in the mount `{name}`: {error}");
            }
        }
        self.mount(name, folder)
    }

    /// Sets an environment variable of the host's, which the plugin sees if its `plugin.toml` asks for it.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let weather = testing::plugin().env("REGION", "eu").start();
    /// ```
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Sets a secret that the plugin's `plugin.toml` asks for: the host adds it to the requests that it is for, where [`Request::header`] shows it. It has at
    /// least 8 characters, since a shorter one could not be told from ordinary text where it is covered.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing::{self, Request, Response};
    /// let weather = testing::plugin()
    ///     .secret("api-key", "s3cret-key")
    ///     .http("https://api.example.com", |request: Request| match request.header("authorization") {
    ///         Some("Bearer s3cret-key") => Response::text("sunny"),
    ///         _ => Response::status(401),
    ///     })
    ///     .start();
    /// ```
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secrets.push((name.into(), value.into()));
        self
    }

    /// Makes it this time for the plugin, and stops the clock: an RFC 3339 text such as `2026-01-01T12:00:00Z`, from 1970 on. How long something takes is still
    /// measured by the real time.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let clock = testing::plugin().clock("2026-01-01T12:00:00Z").start();
    /// ```
    pub fn clock(mut self, time: impl Into<String>) -> Self {
        self.clock = Some(time.into());
        self
    }

    /// Grants nothing, as if the plugin had just been dropped into the folder: a tool that asks for anything answers with `permission_denied`.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut weather = testing::plugin().grant_nothing().start();
    /// assert_eq!(weather.call("current", json!({})).error_code(), Some("permission_denied"));
    /// ```
    pub fn grant_nothing(mut self) -> Self {
        self.grants = false;
        self
    }

    /// Narrows what is granted of the network to these hosts, as `toolbay grant --hosts` does.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let web = testing::plugin().grant_hosts(["docs.rs", "*.wikipedia.org"]).start();
    /// ```
    pub fn grant_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Runs it in this program `toolbay`, in place of the one that `TOOLBAY_BIN` names or the `PATH` has.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let newest = testing::plugin().program("/opt/toolbay/bin/toolbay").start();
    /// ```
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Program(program.into());
        self
    }

    /// Keeps compiled components in this folder, in place of the user's own cache.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let plugin = testing::plugin().cache("target/toolbay-cache").start();
    /// ```
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        self.cache = Some(std::path::absolute(&folder).unwrap_or(folder));
        self
    }

    /// How long each answer is waited for: 60 s unless set.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use toolbay_sdk::testing;
    /// let slow = testing::plugin().limit(Duration::from_secs(300)).start();
    /// ```
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts a host with the plugin and waits until it serves it.
    ///
    /// # Panics
    /// Where it does not, with what the host says about it.
    #[track_caller]
    pub fn start(self) -> Running {
        let Component { file, plugin } = self.source.find(&self.program);
        let plugins = self.folder.make("plugins");
        let served = plugins.join("plugin.wasm");
        if let Err(error) = std::fs::copy(&file, &served) {
            panic!("cannot copy {}: {error}", file.display());
        }
        let policy = self.folder.write("policy.toml", &self.policy(&plugin));
        for (name, value) in &self.secrets {
            let mut command = self.toolbay();
            command.args(["secret", "set", &plugin, name]);
            if let Err(error) = child::run(command, value) {
                panic!("the secret `{name}` cannot be set: {error}");
            }
        }
        let everybody = Server::for_everybody();
        let mut command = self.toolbay();
        command
            .arg("serve")
            .arg(&plugins)
            .arg("--policy")
            .arg(policy);
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        if let Some(time) = &self.clock {
            command.args(["--test-clock", time]);
        }
        for server in self.servers.iter().chain([&everybody]) {
            command.arg("--test-connect").arg(server.connect());
        }
        let mut servers = self.servers;
        servers.push(everybody);
        let mut running = Running {
            child: Child::start(command, self.limit),
            plugin,
            servers,
            mounts: self.mounts,
            _folder: self.folder,
        };
        running.greet();
        running
    }

    /// The program, with folders of its own and nothing of the environment but what it needs to run.
    fn toolbay(&self) -> Command {
        let mut command = self.program.command();
        command.env_clear().current_dir(self.folder.path());
        // What a tool logs for its author is for whoever looks at a failed test.
        command.env("TOOLBAY_LOG", "info,guest=trace");
        let kept = [
            "PATH",
            "HOME",
            "TOOLBAY_CACHE_DIR",
            "XDG_CACHE_HOME",
            "TMPDIR",
            "TOOLBAY_LOG",
        ];
        for name in kept {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(folder) = &self.cache {
            command.env("TOOLBAY_CACHE_DIR", folder);
        }
        command
            .env("TOOLBAY_CONFIG_DIR", self.folder.make("config"))
            .env("TOOLBAY_STATE_DIR", self.folder.make("state"))
            .env("TOOLBAY_SECRETS", "file");
        command
    }

    /// What is granted, in the form of a policy file.
    fn policy(&self, plugin: &str) -> String {
        let mut policy = "version = 1\n".to_owned();
        if !self.grants {
            return policy;
        }
        // A JSON text is a TOML text too.
        let quoted = |text: &str| json!(text).to_string();
        policy += &format!(
            "[[grant]]\nplugin = {}\neverything = true\n",
            quoted(plugin)
        );
        if let Some(hosts) = &self.hosts {
            policy += &format!("hosts = {}\n", json!(hosts));
        }
        if !self.mounts.is_empty() {
            policy += "[grant.mounts]\n";
        }
        for (name, folder) in &self.mounts {
            policy += &format!("{} = {}\n", quoted(name), quoted(&folder.to_string_lossy()));
        }
        policy
    }
}

/// A plugin in a sandbox of the test's own. It ends when this is dropped.
///
/// ```no_run
/// use toolbay_sdk::serde_json::json;
/// use toolbay_sdk::testing::{self, Running};
///
/// fn add(adder: &mut Running, a: f64, b: f64) -> f64 {
///     adder.call("add", json!({"a": a, "b": b})).value()
/// }
/// assert_eq!(add(&mut testing::plugin().start(), 1.0, 2.0), 3.0);
/// ```
pub struct Running {
    child: Child,
    plugin: String,
    servers: Vec<Server>,
    mounts: Vec<(String, PathBuf)>,
    _folder: Folder,
}

impl Running {
    /// Calls a tool, by its name without the plugin's, and waits for the answer.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut adder = testing::plugin().start();
    /// let outcome = adder.call("add", json!({"a": 1, "b": "two"}));
    /// assert_eq!(outcome.error_code(), Some("validation_error"));
    /// ```
    ///
    /// # Panics
    /// Where the plugin has no such tool, the arguments are no JSON object, there is no answer in time, or the tool made a request that the test answers with
    /// nothing but a panic.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: impl Serialize) -> Outcome {
        let arguments = match serde_json::to_value(&arguments) {
            Ok(arguments @ Value::Object(_)) => arguments,
            Ok(other) => panic!("the arguments of `{tool}` are no JSON object: {other}"),
            Err(error) => panic!("the arguments of `{tool}` cannot be written as JSON: {error}"),
        };
        let name = format!("{}_{tool}", self.plugin);
        let answer = self
            .child
            .request("tools/call", &json!({"name": name, "arguments": arguments}));
        let complaints: Vec<String> = self.servers.iter().flat_map(Server::complaints).collect();
        if !complaints.is_empty() {
            panic!("while `{tool}` ran, {}", complaints.join("\n"));
        }
        match answer {
            Ok(result) => Outcome::new(tool, result),
            Err(error) => panic!(
                "`{tool}` was not called: {error}\nthe plugin's tools: {}",
                self.tool_names().join(", ")
            ),
        }
    }

    /// The plugin's tools, as MCP's `tools/list` gives them.
    ///
    /// ```no_run
    /// # use toolbay_sdk::testing;
    /// let tools = testing::plugin().start().tools();
    /// assert_eq!(tools[0]["annotations"]["readOnlyHint"], true);
    /// ```
    #[track_caller]
    pub fn tools(&mut self) -> Vec<Value> {
        let answer = self.child.request("tools/list", &json!({}));
        let mut answer = answer.unwrap_or_else(|error| panic!("tools cannot be listed: {error}"));
        let tools = answer.get_mut("tools").and_then(Value::as_array_mut);
        let mut tools = tools.map(std::mem::take).unwrap_or_default();
        let prefix = format!("{}_", self.plugin);
        tools.retain(|tool| name_of(tool).starts_with(&prefix));
        tools
    }

    /// What the servers of the test were asked up to now, each server's in order.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing::{self, Response}};
    /// let mut web = testing::plugin().http("https://docs.rs", |_| Response::text("Hello")).start();
    /// web.call("fetch", json!({"url": "https://docs.rs/a"}));
    /// assert_eq!(web.requests()[0].url, "https://docs.rs/a");
    /// ```
    pub fn requests(&self) -> Vec<Request> {
        self.servers.iter().flat_map(Server::requests).collect()
    }

    /// The folder that is bound to a mount.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut notes = testing::plugin().temporary_mount("vault").start();
    /// notes.call("create", json!({"note": "a.md", "text": "milk"}));
    /// assert_eq!(std::fs::read_to_string(notes.folder("vault").join("a.md")).unwrap(), "milk");
    /// ```
    ///
    /// # Panics
    /// Where none is.
    #[track_caller]
    pub fn folder(&self, mount: &str) -> &Path {
        let found = self.mounts.iter().find(|(name, _)| name == mount);
        match found {
            Some((_, folder)) => folder,
            None => panic!("no folder is bound to a mount `{mount}` in this test"),
        }
    }

    /// Waits until this text is in the log, and gives all of the log: lines of a call may come a moment after its answer.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut adder = testing::plugin().start();
    /// adder.call("add", json!({"a": 1, "b": 2}));
    /// adder.wait_for_log("1 + 2 were added");
    /// ```
    ///
    /// # Panics
    /// Where it does not come within the [limit](Builder::limit).
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        self.child.wait_for_log(text)
    }

    /// What the host and the plugin have logged up to now; it is shown when the test fails.
    ///
    /// ```no_run
    /// # use toolbay_sdk::{serde_json::json, testing};
    /// let mut adder = testing::plugin().start();
    /// adder.call("add", json!({"a": 1, "b": 2}));
    /// assert!(adder.log().contains("serving"));
    /// ```
    pub fn log(&self) -> String {
        self.child.log()
    }

    /// The handshake, and a look at whether the plugin is served.
    #[track_caller]
    fn greet(&mut self) {
        let hello = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "toolbay-sdk", "version": env!("CARGO_PKG_VERSION")},
        });
        if let Err(error) = self.child.request("initialize", &hello) {
            panic!("the host does not answer: {error}\n{}", self.log());
        }
        self.child.notify("notifications/initialized");
        // A component without its manifest inside is compiled first, and then the list changes.
        let deadline = Instant::now() + self.child.limit();
        while self.tools().is_empty() {
            let log = self.log();
            if log.contains("a plugin is not served") || Instant::now() > deadline {
                panic!("the plugin `{}` is not served\n{log}", self.plugin);
            }
            // It may have changed before this was listened for.
            let soon = Instant::now() + Duration::from_secs(1);
            self.child.hears("notifications/tools/list_changed", soon);
        }
    }

    #[track_caller]
    fn tool_names(&mut self) -> Vec<String> {
        let prefix = format!("{}_", self.plugin);
        let tools = self.tools();
        let names = tools.iter().map(name_of);
        names
            .map(|name| name.strip_prefix(&prefix).unwrap_or(name).to_owned())
            .collect()
    }
}

fn name_of(tool: &Value) -> &str {
    tool.get("name").and_then(Value::as_str).unwrap_or_default()
}
