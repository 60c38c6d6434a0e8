use std::os::unix::fs::PermissionsExt;

use super::*;

fn store() -> (tempfile::TempDir, TokenStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = TokenStore::in_folder(folder.path());
    (folder, store)
}

#[test]
fn a_token_lets_its_principal_in_until_it_is_removed() {
    let (_folder, store) = store();
    assert!(!store.are_required());
    assert_eq!(store.principal(None).unwrap(), Principal::local());
    let scopes: BTreeSet<String> = ["admin:delete".to_owned()].into();
    let text = store.add("ci", scopes.clone()).unwrap().unwrap();
    assert!(text.starts_with("tb_"));
    assert_eq!(text.len(), 46);
    assert!(store.add("ci", BTreeSet::new()).unwrap().is_none());
    assert!(store.are_required());
    assert_eq!(
        store.principal(Some(&text)).unwrap(),
        Principal::of_token("ci", scopes)
    );
    let other = format!("{}x", text.as_str());
    for wrong in [None, Some(""), Some("tb_"), Some(other.as_str())] {
        assert!(store.principal(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(store.remove("ci").unwrap(), (true, 0));
    assert_eq!(store.remove("ci").unwrap(), (false, 0));
    assert!(matches!(
        store.principal(Some(&text)),
        Err(TokenError::Unknown)
    ));
    // Whoever held the last token has not become the local user by its removal.
    assert!(matches!(store.principal(None), Err(TokenError::Missing)));
}

#[test]
fn a_token_where_none_is_needed_is_still_looked_at() {
    let (_folder, store) = store();
    assert!(matches!(
        store.principal(Some("tb_abc")),
        Err(TokenError::Unknown)
    ));
}

#[test]
fn the_file_holds_no_token_and_is_the_owners_alone() {
    let (_folder, store) = store();
    let text = store.add("ci", BTreeSet::new()).unwrap().unwrap();
    let kept = std::fs::read_to_string(store.file()).unwrap();
    assert!(!kept.contains(text.trim_start_matches(PREFIX)), "{kept}");
    assert!(
        kept.contains(Digest::of(text.as_bytes()).as_str()),
        "{kept}"
    );
    let mode = std::fs::metadata(store.file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_damaged_file_or_one_of_others_lets_nobody_in() {
    let (_folder, store) = store();
    let text = store.add("ci", BTreeSet::new()).unwrap().unwrap();
    let good = std::fs::read(store.file()).unwrap();
    std::fs::write(store.file(), "version = ").unwrap();
    assert!(matches!(
        store.principal(Some(&text)),
        Err(TokenError::File { .. })
    ));
    assert!(matches!(store.principal(None), Err(TokenError::Missing)));
    assert!(store.add("other", BTreeSet::new()).is_err());
    std::fs::write(store.file(), good).unwrap();
    assert!(store.principal(Some(&text)).is_ok());
    // A second process that finds it like this needs tokens from the start.
    std::fs::set_permissions(store.file(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let again = TokenStore::in_folder(store.file().parent().unwrap());
    assert!(again.are_required());
    assert!(again.principal(Some(&text)).is_err());
}

#[test]
fn several_at_once_are_all_kept() {
    let (folder, _) = store();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = folder.path();
            scope.spawn(move || {
                let store = TokenStore::in_folder(path);
                store.add(&format!("t{number}"), BTreeSet::new()).unwrap();
            });
        }
    });
    let store = TokenStore::in_folder(folder.path());
    assert_eq!(store.tokens().unwrap().len(), 8);
}

#[test]
fn names_and_scopes() {
    for good in ["ci", "a", "9", "laptop.alice-2_x"] {
        check_name(good).unwrap();
    }
    for bad in ["", "local", "CI", "-a", "a b", "a\n", "é", &"a".repeat(65)] {
        check_name(bad).unwrap_err();
    }
    check_scope("admin:delete").unwrap();
    for bad in ["", "a b", "a,b", "a\"", &"a".repeat(129)] {
        check_scope(bad).unwrap_err();
    }
}
