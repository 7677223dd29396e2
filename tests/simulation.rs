//! Short lives in the simulator: the machine is found without fault, old bugs are found, and a seed replays exactly.

mod simulator;
