// What help() prints; docs/ON-BOARD.md and stubs/xipnet say the rest.
const char xn_help_text[] =
    "xipnet: neural nets as files, beside MicroPython.\n"
    "\n"
    "import xipnet\n"
    "  models(), activate(name), info(), ticks_us()\n"
    "  run, detect, classify       of the active model, as Model's\n"
    "  m = Model(name)             with an arena of its own; close() or `with` frees it\n"
    "  m.run(*inputs)              views of the outputs; m.inputs, m.outputs, m.us\n"
    "  m.detect(px, shape=(h, w))  a picture of any size: [(label, score, box)]\n"
    "  m.classify(...)             [(label, score)]\n"
    "  m.profile(...), m.info()    time of each step; tensors, labels, memory\n"
    "  store                       list(), read(name), write(name, data), delete(name), free()\n"
    "  preprocess                  resize, letterbox, crop, convert, quantise\n"
    "  @rpc, emit(topic, value)    calls from the PC, events to it; Array(items, shape)\n"
    "\n"
    "Scripts: board.put(\"main.py\") on the PC runs it at each start; /store is on sys.path.\n"
    "Ctrl-C interrupts, Ctrl-D restarts Python, Ctrl-E pastes. help('modules') lists modules,\n"
    "help(x) what x has.\n";
