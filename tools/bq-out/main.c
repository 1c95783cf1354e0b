#include "config.h"

#include "weir-main.h"

int
main(int argc, char **argv)
{
	return weir_main(&weir_stage_v1, argc, argv);
}
