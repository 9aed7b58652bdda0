// Names that the port uses and no source file mentions as MP_QSTR_: none.
