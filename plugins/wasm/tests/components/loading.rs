//! What is not taken in, and how versions are exchanged.

use crate::guests;
use qianpu_sdk::{Channel, Step};
use qianpu_wasm::{LoadError, Release, WasmChannel};
use std::sync::Arc;

fn refused(bytes: &[u8]) -> LoadError {
    Release::load(guests::runtime(), bytes).err().unwrap()
}

#[test]
fn what_is_no_plugin_is_refused_with_a_reason() {
    assert!(matches!(refused(b"not wasm"), LoadError::NotAComponent(_)));
    assert!(matches!(refused(b""), LoadError::NotAComponent(_)));
    let whole = guests::bytes("hostile");
    assert!(matches!(refused(&whole[..whole.len() / 2]), LoadError::NotAComponent(_)));
    // A module and a component that lack everything.
    assert!(matches!(refused(b"\0asm\x01\0\0\0"), LoadError::NotAComponent(_) | LoadError::DoesNotFit(_)));
    assert!(matches!(refused(b"\0asm\x0d\0\x01\0"), LoadError::DoesNotFit(_)));
    assert!(matches!(refused(&vec![0; 33 * 1024 * 1024]), LoadError::TooLarge(_)));
    // Compiled code is machine code and never taken from outside.
    let compiled = tempfile::tempdir().unwrap();
    let runtime =
        qianpu_wasm::Runtime::new(*guests::runtime().limits(), Some(compiled.path().into())).unwrap();
    Release::load(&runtime, &whole).unwrap();
    let file = std::fs::read_dir(compiled.path()).unwrap().next().unwrap().unwrap().path();
    assert!(matches!(refused(&std::fs::read(&file).unwrap()), LoadError::NotAComponent(_)));
    // And a broken file of ours is compiled again.
    std::fs::write(&file, b"broken").unwrap();
    assert!(Release::load(&runtime, &whole).is_ok());
}

/// The same component with one byte more in a section that means nothing.
fn another_version() -> Arc<Release> {
    let mut bytes = guests::bytes("hostile");
    bytes.extend([0, 5, 4, b'm', b'o', b'r', b'e']);
    Arc::new(Release::load(guests::runtime(), &bytes).unwrap())
}

#[test]
fn an_operation_ends_on_the_version_that_began_it() {
    let channel = guests::channel("hostile");
    let first = channel.release();
    let sample = crate::hostile::Sample::new("send");
    let Step::Call { state, .. } = channel.account().unwrap().profile(&sample.context()).unwrap() else {
        panic!("it makes a call")
    };
    let second = another_version();
    channel.exchange(second.clone());
    assert_eq!(channel.release().sha256(), second.sha256());
    assert_ne!(first.sha256(), second.sha256());
    let answers = [crate::hostile::answer(b"{}")];
    assert!(channel.account().unwrap().resume_profile(&sample.context(), &state, &answers).is_ok());
    // Back again, and the state of the second one is still understood.
    let Step::Call { state: younger, .. } = channel.account().unwrap().profile(&sample.context()).unwrap()
    else {
        panic!("it makes a call")
    };
    assert_ne!(state[..8], younger[..8]);
    channel.exchange(first);
    for state in [&state, &younger] {
        assert!(channel.account().unwrap().resume_profile(&sample.context(), state, &answers).is_ok());
    }
    // A plugin that never knew the version says so.
    let fresh = WasmChannel::new(guests::release("hostile"));
    let lost = fresh.account().unwrap().resume_profile(&sample.context(), &younger, &answers).unwrap_err();
    assert!(lost.detail.contains("is gone"), "{lost}");
}
