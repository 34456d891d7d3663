//! Memory of a component. An instance lives for one call, so what is freed early has nowhere to be needed again: small
//! pieces are taken one after the other from a room that is there from the beginning. That takes some instructions, and
//! the memory of the instance does not grow, which costs the host two calls of the system each time. Large pieces, and
//! whatever comes when the room is full, are the business of the standard library, which uses them again.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, UnsafeCell};

/// Bytes that are there from the beginning. What nobody touches costs nothing.
const ROOM: usize = 256 * 1024;
/// The largest piece that is taken from the room.
const SMALL: usize = 16 * 1024;

#[repr(align(16))]
struct Room(UnsafeCell<[u8; ROOM]>);

/// Takes from the room first.
pub(crate) struct FromTheRoom {
    room: Room,
    taken: Cell<usize>,
}

// SAFETY: WebAssembly without threads, which is what an instance is, has one thread.
#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "there is nothing to share it with")]
unsafe impl Sync for FromTheRoom {}

impl FromTheRoom {
    pub(crate) const fn new() -> Self {
        Self { room: Room(UnsafeCell::new([0; ROOM])), taken: Cell::new(0) }
    }

    fn begin(&self) -> *mut u8 {
        self.room.0.get().cast()
    }

    /// The place in the room where this piece begins.
    fn place(&self, piece: *mut u8) -> Option<usize> {
        let at = (piece as usize).wrapping_sub(self.begin() as usize);
        (at < ROOM).then_some(at)
    }

    /// Takes `size` bytes beginning at `from` or a little later.
    fn take(&self, from: usize, layout: Layout) -> Option<usize> {
        if layout.size() > SMALL || layout.align() > align_of::<Room>() {
            return None;
        }
        let at = from.next_multiple_of(layout.align());
        let end = at + layout.size();
        if end > ROOM {
            return None;
        }
        self.taken.set(end);
        Some(at)
    }
}

// SAFETY: a piece of the room lies between what was taken before it and what is taken after it, is aligned as asked (the
// room is aligned for the largest alignment it serves), and is taken again only when it was the last and is freed; all
// other pieces are the system's.
// Not inlined: there are thousands of places that ask, and the code would grow by a tenth.
#[expect(unsafe_code, reason = "that is what an allocator is")]
unsafe impl GlobalAlloc for FromTheRoom {
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match self.take(self.taken.get(), layout) {
            // SAFETY: `take` answers with places inside of the room.
            Some(at) => unsafe { self.begin().add(at) },
            // SAFETY: as the caller promised.
            None => unsafe { System.alloc(layout) },
        }
    }

    #[inline(never)]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match self.place(piece) {
            Some(at) if at + layout.size() == self.taken.get() => self.taken.set(at),
            Some(_) => {}
            // SAFETY: what is not in the room came from the system.
            None => unsafe { System.dealloc(piece, layout) },
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(at) = self.place(piece) else {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(piece, layout, size) };
        };
        // SAFETY: the caller promises that the size fits.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        let last = at + layout.size() == self.taken.get();
        if size <= layout.size() || (last && self.take(at, wanted).is_some()) {
            return piece;
        }
        // SAFETY: the new piece is another one, and at least as large as what is copied.
        unsafe {
            let new = self.alloc(wanted);
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(piece, new, layout.size());
            }
            new
        }
    }
}

#[cfg(test)]
#[expect(unsafe_code, reason = "that is how an allocator is asked")]
mod tests {
    use super::*;

    struct Piece {
        at: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Piece {
        fn fill(&self) {
            // SAFETY: it was given for this many bytes.
            unsafe { self.at.write_bytes(self.mark, self.layout.size()) };
        }
        fn whole(&self, size: usize) -> bool {
            // SAFETY: as above; `size` is no larger.
            unsafe { std::slice::from_raw_parts(self.at, size) }.iter().all(|byte| *byte == self.mark)
        }
    }

    /// Numbers that look random and are the same each time.
    fn numbers() -> impl FnMut(usize) -> usize {
        let mut state = 7_u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        }
    }

    /// No piece lies in another, moves without its bytes, or is given where it may not be, also when the room is full.
    #[test]
    fn pieces_keep_their_bytes() {
        let memory = Box::new(FromTheRoom::new());
        let mut number = numbers();
        let mut held: Vec<Piece> = Vec::new();
        for turn in 0..20_000_usize {
            let mark = u8::try_from(turn % 251).unwrap();
            match number(5) {
                0 | 1 => {
                    let size = 1 + if number(50) == 0 { number(4 * SMALL) } else { number(300) };
                    let layout = Layout::from_size_align(size, 1 << number(6)).unwrap();
                    // SAFETY: the layout has a size.
                    let piece = Piece { at: unsafe { memory.alloc(layout) }, layout, mark };
                    assert_eq!(piece.at as usize % layout.align(), 0);
                    piece.fill();
                    held.push(piece);
                }
                2 if !held.is_empty() => {
                    let which = number(held.len());
                    let old = &held[which];
                    let (size, kept) = (1 + number(2_000), old.layout.size());
                    // SAFETY: the piece is held, and the size is one.
                    let at = unsafe { memory.realloc(old.at, old.layout, size) };
                    let layout = Layout::from_size_align(size, old.layout.align()).unwrap();
                    assert_eq!(at as usize % layout.align(), 0);
                    let moved = Piece { at, layout, mark: old.mark };
                    assert!(moved.whole(size.min(kept)));
                    moved.fill();
                    held[which] = moved;
                }
                _ if !held.is_empty() => {
                    // Mostly what came last, as programs do.
                    let which = if number(3) == 0 { number(held.len()) } else { held.len() - 1 };
                    let piece = held.swap_remove(which);
                    assert!(piece.whole(piece.layout.size()));
                    // SAFETY: it is held no more.
                    unsafe { memory.dealloc(piece.at, piece.layout) };
                }
                _ => {}
            }
        }
        assert!(memory.taken.get() > ROOM / 2, "the room was hardly used: {}", memory.taken.get());
        for piece in held {
            assert!(piece.whole(piece.layout.size()));
            // SAFETY: it is held no more.
            unsafe { memory.dealloc(piece.at, piece.layout) };
        }
    }

    /// A list that grows at the end does not leave its earlier places behind.
    #[test]
    fn the_last_piece_grows_in_place() {
        let memory = Box::new(FromTheRoom::new());
        let layout = Layout::from_size_align(8, 8).unwrap();
        // SAFETY: sizes are given as they are.
        unsafe {
            let piece = memory.alloc(layout);
            let grown = memory.realloc(piece, layout, 8_000);
            assert_eq!(piece, grown);
            let large = memory.realloc(grown, Layout::from_size_align(8_000, 8).unwrap(), SMALL + 1);
            assert!(memory.place(large).is_none());
            memory.dealloc(large, Layout::from_size_align(SMALL + 1, 8).unwrap());
        }
    }
}
