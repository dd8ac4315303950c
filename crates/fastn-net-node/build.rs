//! Tells the linker what an addon needs.

use std::env;

fn main() {
    napi_build::setup();
    // Keeps one of several functions with the same code: 140 KB. Rust promises no function an address of its own. The linker that
    // rustc brings for this target has the option.
    if env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
        // What the linker put where, for `npm run size`. Not part of the addon.
        println!("cargo:rerun-if-env-changed=FASTN_NET_LINK_MAP");
        if let Ok(map) = env::var("FASTN_NET_LINK_MAP") {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-Map={map}");
        }
    }
}
