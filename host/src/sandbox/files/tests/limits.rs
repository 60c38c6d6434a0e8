//! What a guest cannot use up.

use std::fs;

use bytes::Bytes;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor, HostDirectoryEntryStream, OpenFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, StreamError};

use super::super::handles::{MAX_OPEN, MAX_REFERENCES};
use super::super::listing::{Listing, TooMany};
use super::{Guest, again, code, denial};

#[tokio::test]
async fn open_files_are_bounded() {
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    let mut files = Vec::new();
    for _ in 0..MAX_OPEN {
        files.push(guest.open_to_read(&vault, "file").await.unwrap());
    }
    let full = "it may open nothing more in its mounts: it has 256 files open already, which is the most for one call";
    assert_eq!(
        guest.open_to_read(&vault, "file").await.map(drop),
        Err(ErrorCode::Quota)
    );
    assert_eq!(guest.names(&vault).await.map(drop), Err(ErrorCode::Quota));
    assert_eq!(guest.denials(), [denial(full, None)]);

    // A file that lives on in a stream still counts.
    let file = files.pop().unwrap();
    let stream = code(guest.view().read_via_stream(again(&file), 0)).unwrap();
    HostDescriptor::drop(&mut guest.view(), file).unwrap();
    assert_eq!(
        guest.open_to_read(&vault, "file").await.map(drop),
        Err(ErrorCode::Quota)
    );
    drop(guest.table.delete(stream).unwrap());
    let folder = guest.names(&vault).await.unwrap();
    assert_eq!(folder.len(), 2);
    guest.open_to_read(&vault, "file").await.unwrap();
}

#[tokio::test]
async fn streams_are_bounded() {
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    let file = guest
        .open(&vault, "file", OpenFlags::empty(), DescriptorFlags::WRITE)
        .await
        .unwrap();
    let mut streams = Vec::new();
    for _ in 1..MAX_REFERENCES {
        streams.push(code(guest.view().append_via_stream(again(&file))).unwrap());
    }
    let more = guest.view().append_via_stream(again(&file));
    assert_eq!(code(more).map(drop), Err(ErrorCode::Quota));
    assert_eq!(
        guest.denials(),
        [denial(
            "it may open nothing more in its mounts: it holds 512 files and streams already, which is the most for one call",
            None
        )]
    );
    drop(guest.table.delete(streams.pop().unwrap()).unwrap());
    code(guest.view().append_via_stream(again(&file))).unwrap();
}

#[tokio::test]
async fn a_stream_takes_what_it_said() {
    let mut guest = Guest::new().await;
    let vault = guest.root("vault");
    let file = guest
        .open(&vault, "file", OpenFlags::empty(), DescriptorFlags::WRITE)
        .await
        .unwrap();
    let stream = code(guest.view().write_via_stream(again(&file), 0)).unwrap();
    let stream: &mut DynOutputStream = guest
        .table
        .get_mut(&Resource::new_borrow(stream.rep()))
        .unwrap();
    let permit = stream.check_write().unwrap();
    let too_much = stream.write(Bytes::from(vec![0; permit + 1]));
    assert!(matches!(too_much, Err(StreamError::Trap(_))));
    stream.write(Bytes::from(vec![b'x'; permit])).unwrap();
    stream.write_ready().await.unwrap();
    assert_eq!(fs::read(guest.path("vault/file")).unwrap().len(), permit);
}

#[tokio::test]
async fn a_large_folder_is_given_in_part() {
    let mut guest = Guest::new().await;
    for number in 0..1000 {
        fs::write(guest.path("vault/sub").join(format!("{number}")), "").unwrap();
    }
    let vault = guest.root("vault");
    let sub = guest.open_to_read(&vault, "sub").await.unwrap();
    assert_eq!(guest.names(&sub).await.unwrap().len(), 1000);

    let folder = fs::File::open(guest.path("vault/sub")).unwrap();
    let mut listing = Listing::open(&folder, 700, false).unwrap();
    let mut given = 0;
    let end = loop {
        match listing.next().await.unwrap() {
            Ok(Some(_)) => given += 1,
            Ok(None) => break false,
            Err(TooMany) => break true,
        }
    };
    assert!(end);
    assert_eq!(given, 700);
    assert!(matches!(listing.next().await.unwrap(), Ok(None)));

    // And the guest is told so.
    let listing = guest
        .table
        .push(Listing::open(&folder, 0, false).unwrap())
        .unwrap();
    let stream = Resource::new_own(listing.rep());
    let entry = guest.view().read_directory_entry(stream).await;
    assert_eq!(code(entry).map(drop), Err(ErrorCode::Overflow));
    assert_eq!(
        guest.denials(),
        [denial(
            "it listed a folder with more than 100000 entries, which is the most that is given of one",
            None
        )]
    );
}

#[tokio::test]
async fn a_name_that_is_no_text_is_an_error_in_its_place() {
    use std::os::unix::ffi::OsStrExt;
    let mut guest = Guest::new().await;
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    fs::write(guest.path("vault").join(name), "").unwrap();
    let vault = guest.root("vault");
    assert_eq!(
        guest.names(&vault).await,
        Err(ErrorCode::IllegalByteSequence)
    );
}
