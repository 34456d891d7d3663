//! Generated from the interface.
#![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../sdk/wit/v0.1",
    world: "channel",
    imports: { default: trappable },
});
