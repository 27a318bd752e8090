//! Work on several small thread pools in parallel.

use std::{
    panic::resume_unwind,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rayon::ThreadPool;

/// Runs `work` once in each pool in parallel, or on the calling thread if there is none.
pub fn run(pools: &[ThreadPool], work: &(impl Fn() + Sync)) {
    match pools {
        [] => work(),
        [pool] => pool.install(work),
        pools => std::thread::scope(|scope| {
            let threads = pools
                .iter()
                .map(|pool| scope.spawn(move || pool.install(work)));
            for thread in threads.collect::<Vec<_>>() {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        }),
    }
}

/// Applies `work` to every part, each pool to one at a time; results in the order of `parts`.
pub fn map<P: Send, R: Send>(
    pools: &[ThreadPool],
    parts: impl Iterator<Item = P> + Send,
    work: impl Fn(P) -> R + Sync,
) -> Vec<R> {
    let queue = Mutex::new(parts.enumerate());
    let take = || locked(&queue).next();
    let results = Mutex::new(Vec::new());
    run(pools, &|| {
        while let Some((index, part)) = take() {
            let result = work(part);
            locked(&results).push((index, result));
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Locks a mutex, also after a panic of another thread, which is passed on elsewhere.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
