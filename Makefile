# The short way round; everything here is a thin call of cmake, ctest or a script in scripts/.
.DEFAULT_GOAL := help
.PHONY: help setup build test demo format clean

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup:  ## Install what the build needs (Debian, Ubuntu)
	@scripts/setup.sh

build: setup  ## Build everything into build/release
	@cmake --preset release
	@cmake --build --preset release

test: setup  ## Build everything and run all tests
	@scripts/test.sh

demo: setup  ## Fill the hole of the sample photograph
	@cmake --preset release
	@cmake --build --preset release --target lacuna
	@scripts/demo.sh

format: setup  ## Format every source file
	@scripts/format.sh

clean:  ## Remove all that was built
	rm -rf build
