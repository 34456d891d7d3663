//! Buyers of shops. [`codes`] proves a phone, [`sign_in`] starts sessions, [`own`] is what a buyer sees and changes of
//! themselves, [`known`] finds whose an order is, [`desk`] is the merchant's view, [`export`] and [`erasure`] are about
//! personal data, [`sender`] about the provider's text messages.

pub mod channel;
pub mod codes;
pub mod desk;
pub mod erasure;
pub mod export;
pub mod known;
pub mod own;
pub mod person;
pub mod sender;
pub mod sign_in;
