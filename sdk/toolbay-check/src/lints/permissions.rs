//! Permissions beside the interfaces that a component imports, and the reasons that a person reads when granting.
//!
//! Which imports prove what: compilers and C libraries import `wasi:cli`, `wasi:filesystem` and `wasi:clocks` whether or not they are used, so their being
//! there proves nothing; that one is missing proves that nothing can be done with the permission. `wasi:http/outgoing-handler`, the functions of
//! `wasi:sockets` that make sockets and look up names, and `toolbay:plugin/kv` come only with code that calls them.

use toolbay_manifest::{Access, PermissionRequest, ToolSettings};

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::subject::Subject;

pub(crate) static UNUSED_PERMISSION: Lint = Lint {
    code: "unused-permission",
    severity: Severity::Warning,
    finds: "a permission that the component can do nothing with",
    why: "a person is asked to grant it, and every permission makes them less willing to grant the next",
    advice: "Remove it from plugin.toml. What a component imports is shown by `toolbay inspect`.",
    bad: "[tools.fetch]\nnetwork = [\"GET https://example.com/*\"]          # and the code makes no request",
    good: "[tools.fetch]",
    check: unused,
};

pub(crate) static UNDECLARED_IMPORT: Lint = Lint {
    code: "undeclared-import",
    severity: Severity::Warning,
    finds: "an interface that the component imports and none of its tools may use",
    why: "the host denies it at every call, so a part of the code can never work",
    advice: "Ask for the permission under the tool that needs it; or remove the code, or the dependency's feature, that brings the import.",
    bad: "[tools.fetch]          # and the code calls toolbay_sdk::http::get",
    good: "[tools.fetch]\nnetwork = [\"GET https://example.com/*\"]",
    check: undeclared,
};

pub(crate) static MISSING_REASON: Lint = Lint {
    code: "missing-reason",
    severity: Severity::Suggestion,
    finds: "a permission without a reason",
    why: "the reason is shown to the person who is asked to grant it, who otherwise has to guess",
    advice: "Write what it is for, in half a sentence: `reasons` in the tool, `reason` in a mount.",
    bad: "[tools.forecast]\nnetwork = [\"GET https://api.open-meteo.com/v1/*\"]",
    good: "[tools.forecast]\nnetwork = [\"GET https://api.open-meteo.com/v1/*\"]\nreasons = { network = \"to ask Open-Meteo for the forecast\" }",
    check: missing_reason,
};

/// Questions of each kind go through one import, which comes only with code that calls it.
const INPUT: &str = "toolbay:plugin/input@";

type IsAsked = fn(&PermissionRequest) -> bool;

/// A permission, whether a tool asks for it, without which of the imports it cannot be used, and which of them prove that it is.
struct Gate {
    permission: &'static str,
    asked: IsAsked,
    needs: &'static str,
    proofs: &'static [&'static str],
    example: &'static str,
}

const GATES: &[Gate] = &[
    Gate {
        permission: "network",
        asked: |asked| !asked.network.is_empty(),
        needs: "wasi:http/outgoing-handler@",
        proofs: &["wasi:http/outgoing-handler@"],
        example: "network = [\"GET https://api.example.com/v1/*\"]",
    },
    Gate {
        permission: "tcp",
        asked: |asked| !asked.tcp.is_empty(),
        needs: "wasi:sockets/tcp",
        proofs: &[
            "wasi:sockets/tcp-create-socket@",
            "wasi:sockets/udp-create-socket@",
            "wasi:sockets/ip-name-lookup@",
        ],
        example: "tcp = [\"db.internal:5432\"]",
    },
    Gate {
        permission: "mounts",
        asked: |asked| !asked.mounts.is_empty(),
        needs: "wasi:filesystem/preopens@",
        proofs: &[],
        example: "mounts",
    },
    Gate {
        permission: "env",
        asked: |asked| !asked.env.is_empty(),
        needs: "wasi:cli/environment@",
        proofs: &[],
        example: "env",
    },
    Gate {
        permission: "kv",
        asked: |asked| asked.kv,
        needs: "toolbay:plugin/kv@",
        proofs: &["toolbay:plugin/kv@"],
        example: "kv = true",
    },
];

/// Permissions to ask something, of which none can be used without the import.
const QUESTIONS: [(&str, IsAsked); 3] = [
    ("elicit", |asked| asked.elicit),
    ("sample", |asked| asked.sample),
    ("roots", |asked| asked.roots),
];

fn unused(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut found = |place: Place, message: String, instead: String| {
        findings.push(Finding {
            lint: &UNUSED_PERMISSION,
            place,
            message,
            instead,
        });
    };
    let remove = || "nothing: remove it".to_owned();
    for (owner, settings) in &subject.askers {
        let asked = settings.permissions();
        for gate in GATES
            .iter()
            .filter(|gate| (gate.asked)(asked) && !subject.imports(gate.needs))
        {
            let message = format!(
                "it asks for `{}`, and the component does not import `{}`",
                gate.permission,
                gate.needs.trim_end_matches('@')
            );
            found(owner.setting(gate.permission), message, remove());
        }
        for (permission, is_asked) in QUESTIONS {
            if is_asked(asked) && !subject.imports(INPUT) {
                let message = format!(
                    "it asks for `{permission}`, and the component does not import `{}`",
                    INPUT.trim_end_matches('@')
                );
                found(owner.setting(permission), message, remove());
            }
        }
        for (name, secret) in &asked.secrets {
            let reached = asked.network.iter().any(|pattern| {
                pattern.host().to_string() == secret.host
                    || pattern.host().to_string() == "*"
                    || below(&secret.host, &pattern.host().to_string())
            });
            if !reached {
                let message = format!(
                    "the secret is for {}, and no entry of `network` leads there",
                    secret.host
                );
                found(
                    owner.setting(&format!("secrets.{name}")),
                    message,
                    format!(
                        "an entry of `network` for {}, or no such secret",
                        secret.host
                    ),
                );
            }
        }
    }
    for (name, mount) in &subject.manifest.mounts {
        match most_asked(subject, name) {
            None => found(
                Place::setting(format!("mounts.{name}")),
                "no tool asks for this folder".to_owned(),
                remove(),
            ),
            Some(most) if most < mount.access => found(
                Place::setting(format!("mounts.{name}.access")),
                format!(
                    "it is \"{}\", and no tool asks for more than \"{most}\"",
                    mount.access
                ),
                format!("`access = \"{most}\"` under [mounts.{name}]"),
            ),
            Some(_) => {}
        }
    }
}

/// Whether a host is one of `*.example.com`.
fn below(host: &str, pattern: &str) -> bool {
    pattern
        .strip_prefix('*')
        .is_some_and(|end| !end.is_empty() && host.ends_with(end))
}

fn most_asked(subject: &Subject<'_>, mount: &str) -> Option<Access> {
    let asked = subject.askers.iter();
    asked
        .filter_map(|(_, settings)| settings.permissions().mounts.get(mount))
        .max()
        .copied()
}

fn undeclared(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for gate in GATES {
        let mut askers = subject.askers.iter();
        let asked = askers.any(|(_, settings)| (gate.asked)(settings.permissions()));
        let proof = subject
            .imports
            .iter()
            .find(|import| gate.proofs.iter().any(|proof| import.starts_with(proof)));
        if let Some(import) = proof.filter(|_| !asked) {
            findings.push(Finding {
                lint: &UNDECLARED_IMPORT,
                place: Place::import(import),
                message: format!(
                    "its code may use it, and none of its tools asks for `{}`",
                    gate.permission
                ),
                instead: format!(
                    "`{}` under the tool that needs it, or no such code",
                    gate.example
                ),
            });
        }
    }
    undeclared_questions(subject, findings);
}

/// A component that asks, of which nothing may.
fn undeclared_questions(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let may_ask = |settings: &ToolSettings| {
        let asked = settings.permissions();
        QUESTIONS.iter().any(|(_, is_asked)| is_asked(asked))
    };
    let import = subject
        .imports
        .iter()
        .find(|import| import.starts_with(INPUT));
    if let Some(import) = import
        && !subject.askers.iter().any(|(_, settings)| may_ask(settings))
    {
        findings.push(Finding {
            lint: &UNDECLARED_IMPORT,
            place: Place::import(import),
            message: "its code may ask the user or the client, and none of its tools asks for `elicit`, `sample` or `roots`".to_owned(),
            instead: "`elicit = true` under the tool that needs it, or no such code".to_owned(),
        });
    }
}

fn missing_reason(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut found = |place: Place, instead: String| {
        findings.push(Finding {
            lint: &MISSING_REASON,
            place,
            message: "who is asked to grant it is not told why".to_owned(),
            instead,
        });
    };
    for (owner, settings) in &subject.askers {
        let asked = settings.permissions();
        let others = [
            ("secrets", !asked.secrets.is_empty()),
            ("calls", !asked.calls.is_empty()),
            ("elicit", asked.elicit),
            ("sample", asked.sample),
            ("roots", asked.roots),
        ];
        let gates = GATES
            .iter()
            .filter(|gate| gate.permission != "mounts")
            .map(|gate| (gate.permission, (gate.asked)(asked)));
        for (key, is_asked) in gates.chain(others) {
            if is_asked && !settings.reasons.contains_key(key) {
                let instead = format!(
                    "`reasons = {{ {key} = \"to …\" }}` under [{}]",
                    owner.table()
                );
                found(owner.setting(&format!("reasons.{key}")), instead);
            }
        }
    }
    for (name, mount) in &subject.manifest.mounts {
        let told = |settings: &ToolSettings| {
            !settings.permissions().mounts.contains_key(name)
                || settings.reasons.contains_key("mounts")
        };
        let mut askers = subject.askers.iter();
        if mount.reason.is_none() && !askers.all(|(_, settings)| told(settings)) {
            let instead = format!("`reason = \"…\"` under [mounts.{name}]: what is in the folder");
            found(Place::setting(format!("mounts.{name}.reason")), instead);
        }
    }
}
