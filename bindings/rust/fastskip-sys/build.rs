//! Asks pkg-config where libfastskip is.
//!
//! The command is run directly, so that nothing has to come from a registry. `PKG_CONFIG` names
//! another command; `PKG_CONFIG_PATH` and its like are pkg-config's own.

use std::env;
use std::process::{exit, Command};

fn main() {
    for name in [
        "PKG_CONFIG",
        "PKG_CONFIG_PATH",
        "PKG_CONFIG_LIBDIR",
        "PKG_CONFIG_SYSROOT_DIR",
    ] {
        println!("cargo:rerun-if-env-changed={}", name);
    }
    println!("cargo:rerun-if-changed=build.rs");
    // docs.rs and its like have no library, and link nothing.
    if env::var_os("DOCS_RS").is_some() {
        return;
    }
    let words = pkg_config(&["--libs", "fastskip >= 1.0.0"]);
    for word in words.split_whitespace() {
        if let Some(directory) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={}", directory);
        } else if let Some(library) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={}", library);
        }
    }
    // For packages that build against the header: DEP_FASTSKIP_INCLUDE and DEP_FASTSKIP_LIBDIR.
    let include = pkg_config(&["--variable=includedir", "fastskip"]);
    println!("cargo:include={}", include);
    println!("cargo:rustc-env=FASTSKIP_INCLUDE={}", include);
    // Without -L for the system's own directories, libdir may not be in the words above.
    println!(
        "cargo:libdir={}",
        pkg_config(&["--variable=libdir", "fastskip"])
    );
}

fn pkg_config(arguments: &[&str]) -> String {
    let command = env::var_os("PKG_CONFIG").unwrap_or_else(|| "pkg-config".into());
    let shown = command.to_string_lossy().into_owned();
    let output = match Command::new(&command).args(arguments).output() {
        Ok(output) => output,
        Err(error) => fail(&format!("can not run {}: {}", shown, error)),
    };
    if !output.status.success() {
        fail(&format!(
            "{} does not know fastskip:\n{}\nInstall libfastskip, or name the directory of its \
             fastskip.pc in PKG_CONFIG_PATH.",
            shown,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn fail(message: &str) -> ! {
    eprintln!("fastskip-sys: {}", message);
    exit(1);
}
