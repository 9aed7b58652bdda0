// Names that no C identifier spells.
// clang-format off
Q(<rpc>)
Q(/store)
