#ifndef ANAMNESIS_NODE_APP_SIGNALS_H_
#define ANAMNESIS_NODE_APP_SIGNALS_H_

// Signals of a node: SIGTERM and SIGINT ask it to stop, SIGPIPE is nothing.

namespace anamnesis {

// Call before any thread starts: threads inherit what is held back here.
void HoldBackStopSignals();
// Waits for the first SIGTERM or SIGINT. From then on another one ends the process at once.
void WaitForStopSignal();

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_SIGNALS_H_
