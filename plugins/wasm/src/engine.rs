//! The engine: settings, the clock that ends long calls, limits.

use crate::bindings::Channel as World;
use crate::call::Call;
use crate::clock::TICK;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

/// What one call into a component may use. The same for all plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may run, in time of the processor.
    pub time: Duration,
    /// Linear memory, in bytes: all memories of an instance together.
    pub memory: usize,
    /// Elements of its tables.
    pub table_elements: usize,
    /// Calls of functions of the host.
    pub host_calls: u32,
    /// Lines in the log; what is more is dropped.
    pub log_lines: u32,
    /// What it may hand over in one call, in bytes.
    pub answer: usize,
    /// State of an operation, in bytes.
    pub state: usize,
    /// Requests of one step.
    pub requests: usize,
    /// Size of a component, in bytes.
    pub component: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_millis(500),
            memory: 64 * 1024 * 1024,
            table_elements: 20_000,
            host_calls: 20_000,
            log_lines: 100,
            answer: 8 * 1024 * 1024,
            state: 64 * 1024,
            requests: 64,
            component: 32 * 1024 * 1024,
        }
    }
}

/// Runs components. One per process.
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Call>,
    pub(crate) limits: Limits,
    pub(crate) compiled: Option<PathBuf>,
    /// Dropped with the runtime, which ends the clock.
    _clock: Sender<()>,
}

impl Runtime {
    /// Makes the runtime. Compiled code is kept in `compiled`, a directory nobody else writes.
    pub fn new(limits: Limits, compiled: Option<PathBuf>) -> wasmtime::Result<Arc<Self>> {
        let engine = match Engine::new(&settings(&limits, true)) {
            Ok(engine) => engine,
            // A machine that does not give away much address space can do without the pool.
            Err(error) => {
                tracing::warn!(%error, "plugins run without a pool of instances");
                Engine::new(&settings(&limits, false))?
            }
        };
        let mut linker = Linker::new(&engine);
        World::add_to_linker::<_, HasSelf<_>>(&mut linker, |call: &mut Call| call)?;
        let clock = clock(&engine)?;
        Ok(Arc::new(Self { engine, linker, limits, compiled, _clock: clock }))
    }

    /// The limits in force.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("limits", &self.limits).finish_non_exhaustive()
    }
}

fn settings(limits: &Limits, pool: bool) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).max_wasm_stack(512 * 1024);
    config.wasm_memory64(false).wasm_relaxed_simd(false);
    // Languages with a runtime make components of several modules, each with a memory; the limit is on their sum.
    config.wasm_multi_memory(true);
    if pool {
        let mut pooled = PoolingAllocationConfig::new();
        pooled
            .total_component_instances(64)
            .total_core_instances(1_024)
            .total_memories(256)
            .total_tables(512)
            .max_core_instances_per_component(64)
            .max_memories_per_component(8)
            .max_tables_per_component(32)
            .table_elements(limits.table_elements)
            .max_memory_size(limits.memory)
            // Between two calls only the pages that were written are put back, in place: giving them to the system and
            // taking them again costs more than the call. Where the system does not tell which were written, so much
            // is put back at most.
            .linear_memory_keep_resident(512 * 1024)
            .table_keep_resident(64 * 1024)
            .pagemap_scan(Enabled::Auto);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooled));
    }
    config
}

/// A thread that lets the engine's clock tick until the sender is dropped.
fn clock(engine: &Engine) -> wasmtime::Result<Sender<()>> {
    let (sender, receiver) = channel();
    let engine = engine.weak();
    std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || {
        while matches!(receiver.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
        }
    })?;
    Ok(sender)
}
