//! Passes the addon's options to the linker.

use std::env;

fn main() {
    napi_build::setup();
    // Merges functions with identical code, which saves 140 KB. Rust does not promise distinct addresses of functions. The linker that
    // rustc brings for this target has the option.
    if env::var("TARGET").is_ok_and(|target| target == "x86_64-unknown-linux-gnu") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--icf=all");
        // The linker's map, for `npm run size`. Not part of the addon.
        println!("cargo:rerun-if-env-changed=FASTN_NET_LINK_MAP");
        if let Ok(map) = env::var("FASTN_NET_LINK_MAP") {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-Map={map}");
        }
    }
}
