//! Something to read, put as something to do.

use crate::finding::{Finding, Place};
use crate::lint::{Lint, Severity};
use crate::subject::Subject;
use crate::verbs::Effect;

pub(crate) static COULD_BE_RESOURCE: Lint = Lint {
    code: "could-be-resource",
    severity: Severity::Suggestion,
    finds: "a read-only tool that takes nothing",
    why: "what is always read in the same way is a resource: clients can show, cache and attach it, and it takes no place among the tools",
    advice: "Offer it as a resource. Keep it as a tool if models have to come to it by themselves: many clients leave it to their users to attach resources.",
    bad: "/// Returns the configuration.\n#[tool]\nfn get_config() -> Config",
    good: "/// The configuration.\n#[resource(\"notes://config\")]\nfn config() -> Json<Config>",
    check,
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in &subject.tools {
        let takes_nothing = tool.arguments.is_empty();
        // What makes something up anew at each call, such as a random number, is no resource.
        let makes = tool
            .said_effect()
            .is_some_and(|effect| effect != Effect::Read);
        // No model calls those at all, or they tell of this moment.
        let settings = &tool.tool.settings;
        let is_for_models = !settings.services.internal && !settings.services.health;
        if takes_nothing && !makes && is_for_models && settings.annotations().read_only {
            findings.push(Finding {
                lint: &COULD_BE_RESOURCE,
                place: Place::tool(tool.name),
                message: "it reads and takes no argument".to_owned(),
                instead: "a resource, if users rather than models choose when to read it"
                    .to_owned(),
            });
        }
    }
}
