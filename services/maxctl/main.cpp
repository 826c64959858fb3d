// The operator's tool: one verb a file.
#include "services/maxctl/command_line.hpp"

int main(int argc, char** argv) { return mx::maxctl::run(argc, argv); }
