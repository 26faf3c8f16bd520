#include "app/app.h"

int main(int argc, char** argv) { return lacuna::run(argc, argv); }
