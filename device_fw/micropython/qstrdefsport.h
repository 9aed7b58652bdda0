// Names that no C identifier spells.
Q(<rpc>)
