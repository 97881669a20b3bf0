//! Finds libstatus1to1 and has it linked. The README says where it is looked for.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The version of the library from which on this crate's functions are there.
const LEAST_VERSION: &str = "0.1";

fn main() {
    println!("cargo:rerun-if-env-changed=STATUS1TO1_LIB_DIR");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("DOCS_RS").is_some() {
        return; // documentation is made without linking
    }
    if let Some(dir) = env::var_os("STATUS1TO1_LIB_DIR") {
        let dir = PathBuf::from(dir);
        if !dir.join(link_name()).exists() {
            fail(&format!("STATUS1TO1_LIB_DIR: there is no {} in {}", link_name(), dir.display()));
        }
        link(&dir);
    } else if let Some(dir) = carried() {
        link(&dir);
    } else if let Err(error) = pkg_config::Config::new().atleast_version(LEAST_VERSION).probe("status1to1") {
        fail(&format!(
            "libstatus1to1 was not found: install it (make install), or set STATUS1TO1_LIB_DIR to the directory \
             of {}.\n{error}",
            link_name()
        ));
    }
}

/// Ends the build with one readable message in place of a panic's.
fn fail(message: &str) -> ! {
    eprintln!("error: {message}");
    std::process::exit(1);
}

fn target_os() -> String {
    env::var("CARGO_CFG_TARGET_OS").unwrap_or_default()
}

/// The file that the linker looks for.
fn link_name() -> &'static str {
    if target_os() == "macos" { "libstatus1to1.dylib" } else { "libstatus1to1.so" }
}

/// The directory of the library for this target in the package, if the package carries it.
fn carried() -> Option<PathBuf> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?);
    let dir = root.join("native").join(env::var("TARGET").ok()?);
    dir.join(link_name()).exists().then_some(dir)
}

/// Has the library in `dir` linked, by links to its files below the target directory: `cargo run` and
/// `cargo test` let programs find libraries that lie there.
fn link(dir: &Path) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if let Err(error) = take(dir, &out) {
        fail(&format!("the library in {} cannot be used: {error}", dir.display()));
    }
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=dylib=status1to1");
    println!("cargo:lib_dir={}", dir.display());
}

/// Takes the library into `out` under each of its names, that which a program looks for when it starts
/// among them.
fn take(dir: &Path, out: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let text = name.to_string_lossy();
        if text.starts_with("libstatus1to1.") && (text.contains(".so") || text.ends_with(".dylib")) {
            let (from, to) = (fs::canonicalize(dir.join(&name))?, out.join(&name));
            let _ = fs::remove_file(&to); // of an earlier build
            #[cfg(unix)]
            std::os::unix::fs::symlink(from, to)?;
            #[cfg(not(unix))]
            fs::copy(from, to)?;
        }
    }
    Ok(())
}
