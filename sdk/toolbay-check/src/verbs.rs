//! What kind of effect a verb stands for. The lists hold what interfaces are made of everywhere; a verb that is in none has no kind, and no lint
//! draws a conclusion from it.

use crate::words::{is_form_among, stem, words};

/// What is done to the things that a tool is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    Create,
    Read,
    Update,
    Delete,
}

const CREATE: &str = "create add insert new make register post publish upload send book invite submit open place append enqueue schedule subscribe store save \
    record remember attach deploy provision issue push import log sign";
const READ: &str = "read get list search find show view fetch query describe lookup look retrieve browse inspect enumerate display count peek see tell report \
    summarize summarise preview locate discover examine obtain";
const UPDATE: &str = "start stop restart lock unlock enable disable mute unmute pause resume approve reject install upgrade rotate ban kick update edit modify set rename move replace patch put write change complete close assign overwrite toggle mark merge alter adjust reopen \
    configure amend revise increment reset restore";
const DELETE: &str = "delete remove destroy drop clear purge cancel archive erase trash revoke unsubscribe uninstall discard wipe rm del unset detach kill \
    terminate strike";
/// Verbs without an effect of these kinds, which still say that a word stands for something to do.
const OTHER: &str = "run convert encode decode encrypt decrypt compress validate verify check translate compute \
    calculate export download execute build test format parse copy share connect disconnect sync analyze analyse \
    compare play skip sort filter pull commit checkout clone init render select load help status info exists upsert scale ping \
    rate like reply forward split join extract generate apply plan";

/// The effect of a verb in any of its forms but the participle: what was deleted is not what deletes.
pub(crate) fn effect(word: &str) -> Option<Effect> {
    if word.ends_with("ed") {
        return None;
    }
    let stem = stem(word);
    let lists = [
        (READ, Effect::Read),
        (CREATE, Effect::Create),
        (UPDATE, Effect::Update),
        (DELETE, Effect::Delete),
    ];
    lists
        .into_iter()
        .find(|(list, _)| is_form_among(&stem, list))
        .map(|(_, effect)| effect)
}

/// Whether the word can stand for something to do.
pub(crate) fn is_verb(word: &str) -> bool {
    effect(word).is_some() || is_form_among(&stem(word), OTHER)
}

/// The effects that a value such as `addContact` or `remove-contact` names: a verb comes first or last.
pub(crate) fn effect_of_name(name: &str) -> Option<Effect> {
    let words = words(name);
    let first = words.first().and_then(|word| effect(word));
    first.or_else(|| {
        words
            .last()
            .filter(|_| words.len() > 1)
            .and_then(|word| effect(word))
    })
}

/// Whether a value names something to do.
pub(crate) fn names_a_verb(name: &str) -> bool {
    let words = words(name);
    words.first().is_some_and(|word| is_verb(word))
        || words.last().is_some_and(|word| is_verb(word))
}
