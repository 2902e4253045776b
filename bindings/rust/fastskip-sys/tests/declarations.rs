//! The declarations against the header, as bindgen (of Debian) reads it, and against the list of
//! what the library exports.
//!
//! Both sides are compared as text without white space. A difference in a name, a type, the order
//! or the constness of a parameter, a value of a constant or a field is a failure.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const OURS: &str = include_str!("../src/lib.rs");

/// Declarations by name, each as text without white space.
type Items = BTreeMap<String, String>;

/// Without white space, of which there is only what is needed where rustfmt is missing.
fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace())
        .collect::<String>()
        .replace("::std::os::raw::", "")
        .replace("::std::option::", "")
        .replace("size_t", "usize") // where bindgen does not do so by itself
        .replace(",)", ")")
        .replace(",>", ">")
        .replace(",}", "}")
}

/// What begins with `opening`, to `closing`, with the name that follows the opening as key.
fn items(text: &str, opening: &str, closing: &str) -> Items {
    let mut found = Items::new();
    for (at, _) in text.match_indices(opening) {
        let rest = &text[at + opening.len()..];
        let name: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !name.to_lowercase().starts_with("fastskip_") {
            continue;
        }
        // The type of a constant may have a semicolon in it, but not behind its equals sign.
        let from = if opening == "pub const " {
            rest.find('=').unwrap_or(0)
        } else {
            0
        };
        let end = rest[from..].find(closing).expect("an item without an end") + from;
        let previous = found.insert(name.clone(), squeeze(&rest[name.len()..end]));
        assert!(previous.is_none(), "{} is declared twice", name);
    }
    found
}

fn functions(text: &str) -> Items {
    items(text, "pub fn ", ";")
}

fn callbacks(text: &str) -> Items {
    let mut found = items(text, "pub type ", ";");
    found.retain(|name, _| name.ends_with("_fn"));
    found
}

/// Values only: bindgen gives each enumeration a type of its own.
fn constants(text: &str) -> Items {
    items(text, "pub const ", ";")
        .into_iter()
        .map(|(name, text)| {
            let value = text.split_once('=').expect("a constant without a value").1;
            (name, value.replace('_', ""))
        })
        .collect()
}

fn compare(what: &str, ours: &Items, theirs: &Items, at_least: usize) {
    assert!(theirs.len() >= at_least, "{}: {} found", what, theirs.len());
    for (name, text) in theirs {
        assert_eq!(ours.get(name), Some(text), "{} {}", what, name);
    }
    for name in ours.keys() {
        assert!(theirs.contains_key(name), "{} {} is ours only", what, name);
    }
}

fn bindgen() -> String {
    let header = Path::new(env!("FASTSKIP_INCLUDE")).join("fastskip.h");
    let output = Command::new("bindgen")
        .arg(&header)
        .args(["--allowlist-function", "fastskip_.*"])
        .args(["--allowlist-type", "fastskip_.*"])
        .args(["--allowlist-var", "FASTSKIP_.*"])
        .args(["--no-doc-comments", "--no-prepend-enum-name"])
        .output()
        .expect("bindgen can not be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "bindgen: {}", errors);
    String::from_utf8(output.stdout).expect("bindgen speaks UTF-8")
}

#[test]
#[ignore = "needs the bindgen command"]
fn declarations_are_those_of_the_header() {
    let theirs = bindgen();
    compare("function", &functions(OURS), &functions(&theirs), 62);
    compare("callback", &callbacks(OURS), &callbacks(&theirs), 5);
    compare("constant", &constants(OURS), &constants(&theirs), 46);
    let entry = |text: &str| items(text, "pub struct ", "}")["fastskip_entry"].clone();
    assert_eq!(entry(OURS), entry(&theirs), "struct fastskip_entry");
    // bindgen writes the layout that the C compiler has as a test of its own.
    for number in [
        std::mem::size_of::<fastskip_sys::fastskip_entry>(),
        std::mem::align_of::<fastskip_sys::fastskip_entry>(),
    ] {
        let line = format!("{}usize,concat!(\"", number);
        assert!(
            squeeze(&theirs).contains(&line),
            "size or alignment {}",
            number
        );
    }
}

/// The layout is promised: 48 bytes where pointers have 64 bits.
#[test]
#[cfg(target_pointer_width = "64")]
fn the_entry_lies_in_memory_as_promised() {
    use fastskip_sys::fastskip_entry;
    let room = std::mem::MaybeUninit::<fastskip_entry>::uninit();
    let base = room.as_ptr();
    macro_rules! offset {
        ($field:ident) => {
            // Only the address of the field is taken.
            unsafe { std::ptr::addr_of!((*base).$field) as usize - base as usize }
        };
    }
    assert_eq!(offset!(key), 0);
    assert_eq!(offset!(key_size), 8);
    assert_eq!(offset!(value), 16);
    assert_eq!(offset!(value_size), 24);
    assert_eq!(offset!(sequence), 32);
    assert_eq!(offset!(kind), 40);
    assert_eq!(offset!(reserved), 44);
    assert_eq!(std::mem::size_of::<fastskip_entry>(), 48);
}

#[test]
fn every_exported_name_is_declared() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../abi/fastskip.symbols");
    let list = std::fs::read_to_string(list).expect("abi/fastskip.symbols can not be read");
    let exported: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('@').next())
        .collect();
    let declared = functions(OURS);
    assert!(exported.len() >= 62);
    for name in &exported {
        assert!(declared.contains_key(*name), "{} is not declared", name);
    }
    assert_eq!(declared.len(), exported.len());
}

/// Links, and calls the library that pkg-config names.
#[test]
fn the_library_answers() {
    let version = unsafe { std::ffi::CStr::from_ptr(fastskip_sys::fastskip_version()) };
    let version = version.to_str().expect("a version is ASCII");
    let header = std::str::from_utf8(fastskip_sys::FASTSKIP_VERSION).unwrap();
    let major = |text: &str| text.split('.').next().unwrap().to_owned();
    assert_eq!(major(version), major(header));
}
