dist_man_MANS += %D%/weir.1 %D%/weir-state.5 %D%/weir-stream.5
