//! Buyers of shops. [`codes`] proves a phone, [`sign_in`] starts sessions, [`own`] is what a buyer sees and changes of
//! themselves, [`known`] finds whose an order is.

pub mod codes;
pub mod known;
pub mod own;
pub mod sign_in;
