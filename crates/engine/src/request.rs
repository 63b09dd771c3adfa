//! A request becomes an answer: seven steps, one function.
